/**
 * SHELL: one FSM value with its TCP connection and timers. Cuts what it reads into messages, turns them into events, and carries the
 * machine's actions out. UPDATEs go straight to the owner; the machine hears of them once per read (hot path).
 */
import type { Clock } from '../../core/clock.js';
import type { Cause } from '../fsm/cause.js';
import type { Negotiated } from '../fsm/negotiate.js';
import {
  type FsmConfig,
  initialState,
  type MessageError,
  type SessionAction,
  type SessionEvent,
  type SessionState,
  type TimerName,
} from '../fsm/session-state.js';
import { step } from '../fsm/step.js';
import { CeaseError, MessageType } from '../iana.js';
import {
  frameLength,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MAX_MESSAGE_LENGTH,
  updateLength,
} from '../wire/framer.js';
import { encodeKeepalive } from '../wire/keepalive.js';
import { BgpMessageError } from '../wire/message-error.js';
import { decodeNotification, encodeNotification, type Notification } from '../wire/notification.js';
import { decodeOpen, encodeOpen, type Open } from '../wire/open.js';
import { decodeRouteRefresh, type RouteRefresh } from '../wire/route-refresh.js';
import { SendProgress } from './send-progress.js';
import { Timers } from './timers.js';
import type { Cancel, Connection, DialTarget, DroppedSegments, Transport } from './transport.js';
import { transportWords } from './transport-words.js';
import { unansweredWords } from './unanswered.js';

/** What a session asks of the peer it belongs to. */
export interface SessionOwner {
  readonly clock: Clock;
  readonly transport: Transport;
  /** 0.75 to 1, anew on each call (RFC 4271 section 10). */
  jitter(): number;
  dialTarget(): DialTarget;
  /** Somebody listens in: {@link messageReceived} is to be told. */
  readonly observed: boolean;
  /** A whole message, before it is acted on. */
  messageReceived(session: Session, buffer: Uint8Array, start: number, end: number): void;
  fsmConfig(): FsmConfig;
  /** Collision detection comes first; it hands the OPEN to {@link Session.handle} or not. */
  openReceived(session: Session, open: Open): void;
  /** Whole UPDATEs, one behind the other; an error ends the session. */
  updatesReceived(buffer: Uint8Array, start: number, end: number): BgpMessageError | undefined;
  /** After each read that held UPDATEs. */
  updatesEnded(): void;
  routeRefreshReceived(refresh: RouteRefresh): void;
  up(session: Session, negotiated: Negotiated): void;
  down(cause: Cause): void;
  /** After each change of state, when all its actions are done. */
  changed(session: Session, cause: Cause | undefined): void;
  notificationSent(notification: MessageError): void;
  notificationReceived(notification: Notification): void;
  /** Our own code threw: a defect to be logged. */
  fault(error: unknown): void;
  /** The socket takes more. */
  drained(session: Session): void;
}

export interface SessionCounters {
  messagesReceived: number;
  messagesSent: number;
  updatesReceived: number;
  bytesReceived: number;
  bytesSent: number;
}

export class Session {
  state: SessionState = initialState;
  initiatedBy: 'us' | 'peer' = 'us';
  connection: Connection | undefined;
  /** Nothing has come since its terms changed: the other end may have left the connection in a way that we could not hear. */
  unheardSinceRenewal = false;
  /** The last ones, whole. */
  openSent: Uint8Array | undefined;
  openReceived: Uint8Array | undefined;
  /** On the last connection. */
  finalNotification: Notification | undefined;
  readonly #owner: SessionOwner;
  readonly #counters: SessionCounters;
  readonly #timers: Timers<TimerName>;
  #sendHoldSeconds = 0;
  /** The hold timer has expired, and what had arrived by then is being read. */
  #looksAgain = false;
  #progress = new SendProgress();
  #cancelDial: Cancel | undefined;
  /** When it was dialled. */
  #droppedSegments: DroppedSegments | undefined;
  /** The beginning of a message whose rest has not come. */
  #tail: Uint8Array | undefined;
  /** Octets of the longest message the peer may send. */
  #maxLength = MAX_MESSAGE_LENGTH;

  constructor(owner: SessionOwner, counters: SessionCounters) {
    this.#owner = owner;
    this.#counters = counters;
    this.#timers = new Timers(owner.clock, timer => this.#expired(timer));
  }

  /** A connection that the peer dialled. */
  accept(connection: Connection): void {
    this.initiatedBy = 'peer';
    connection.apply(this.#owner.dialTarget());
    this.#attach(connection);
    this.handle({ kind: 'tcp-connection-confirmed' });
  }

  /** The terms of the peer's connections have changed: the one that is there takes them up, a dial begins anew. */
  renewTerms(): void {
    this.connection?.apply(this.#owner.dialTarget());
    this.unheardSinceRenewal = true;
    if (this.#cancelDial === undefined) return;
    this.#cancelDial();
    this.#dial();
  }

  handle(event: SessionEvent): void {
    const before = this.state;
    const unanswered = event.kind === 'timer-expired' && this.#cancelDial !== undefined;
    const { state, actions, cause: plain } = step(before, event, this.#owner.fsmConfig());
    const cause = unanswered && plain?.kind === 'tcp-failed' ? this.#unanswered() : plain;
    this.state = state;
    for (const action of actions) this.#act(action);
    if (state.kind !== before.kind || cause !== undefined) this.#owner.changed(this, cause);
  }

  /** Bytes of whole messages; false if the socket is full. */
  write(bytes: Uint8Array, messages: number): boolean {
    if (this.connection === undefined) return false;
    this.#counters.messagesSent += messages;
    this.#counters.bytesSent += bytes.length;
    const more = this.connection.write(bytes);
    this.#progress.wrote(bytes.length);
    this.#sendHoldGoesOn();
    return more;
  }

  /** Closes TCP without a word (RFC 4724 section 4: as a process that dies would) and forgets everything. */
  abandon(): void {
    this.#timers.clearAll();
    this.#sendHoldSeconds = 0;
    this.#close('at-once');
    this.state = { kind: 'Idle', connectRetryCounter: 0 };
  }

  /** RFC 9687: SendHoldTimer starts anew whenever something has gone out, and has no meaning while there is nothing to send. */
  #sendHoldGoesOn(): boolean {
    if (this.#sendHoldSeconds === 0 || !this.#progress.moves(this.connection?.unsent ?? 0)) return false;
    this.#timers.set('send-hold', this.#sendHoldSeconds);
    return true;
  }

  #expired(timer: TimerName): void {
    if (timer === 'send-hold' && this.#sendHoldGoesOn()) return;
    if (timer === 'hold' && !this.#looksAgain) {
      // Where this thread itself was late the peer's messages lie unread: timers come before sockets, and this one once more after.
      this.#looksAgain = true;
      this.#timers.set('hold', 0);
      return;
    }
    this.handle({ kind: 'timer-expired', timer });
  }

  #act(action: SessionAction): void {
    switch (action.kind) {
      case 'set-timer': {
        if (action.timer === 'send-hold') this.#sendHoldSeconds = action.seconds;
        if (action.timer === 'hold') this.#looksAgain = false;
        const seconds = action.jitter ? action.seconds * this.#owner.jitter() : action.seconds;
        this.#timers.set(action.timer, seconds);
        return;
      }
      case 'clear-timer':
        if (action.timer === 'send-hold') this.#sendHoldSeconds = 0;
        if (action.timer === 'hold') this.#looksAgain = false;
        this.#timers.clear(action.timer);
        return;
      case 'dial':
        this.#dial();
        return;
      case 'close-connection':
        this.#close('when-sent');
        return;
      case 'send-open':
        this.openSent = encodeOpen(this.#owner.fsmConfig().local.open);
        this.write(this.openSent, 1);
        return;
      case 'send-keepalive':
        this.write(encodeKeepalive(), 1);
        return;
      case 'send-notification':
        if (this.connection === undefined) return;
        this.write(encodeNotification(action.notification), 1);
        this.finalNotification = action.notification;
        this.#owner.notificationSent(action.notification);
        return;
      case 'session-up':
        // RFC 8654: before the first UPDATE, so before any message that may be long.
        if (action.negotiated.extendedMessages.receive) this.#maxLength = MAX_EXTENDED_MESSAGE_LENGTH;
        this.#owner.up(this, action.negotiated);
        return;
      case 'session-down':
        this.#owner.down(action.cause);
        return;
    }
  }

  #dial(): void {
    const { transport } = this.#owner;
    this.#droppedSegments = transport.droppedSegments();
    this.#cancelDial = transport.dial(this.#owner.dialTarget(), {
      connected: connection => {
        this.#cancelDial = undefined;
        this.initiatedBy = 'us';
        this.#attach(connection);
        this.handle({ kind: 'tcp-connection-acknowledged' });
      },
      failed: error => {
        this.#cancelDial = undefined;
        const detail = error.code === 'ETIMEDOUT' ? this.#unanswered().detail : transportWords(error);
        this.handle({ kind: 'tcp-connection-failed', detail });
      },
    });
  }

  #unanswered(): Extract<Cause, { kind: 'tcp-failed' }> {
    const { transport } = this.#owner;
    const { password, minimumTtl } = this.#owner.dialTarget();
    const asked = { signs: password !== undefined, minimumTtl };
    const detail = unansweredWords(asked, this.#droppedSegments, transport.droppedSegments());
    return { kind: 'tcp-failed', detail };
  }

  #attach(connection: Connection): void {
    this.connection = connection;
    this.finalNotification = undefined;
    this.#progress = new SendProgress();
    this.unheardSinceRenewal = false;
    this.#tail = undefined;
    this.#maxLength = MAX_MESSAGE_LENGTH;
    connection.start({
      received: (buffer, start, end) => this.#received(buffer, start, end),
      drained: () => this.#owner.drained(this),
      closed: error => {
        this.connection = undefined;
        const detail = error === undefined ? 'connection closed by peer' : transportWords(error);
        this.handle({ kind: 'tcp-connection-failed', detail });
      },
    });
  }

  #close(how: 'when-sent' | 'at-once'): void {
    this.#cancelDial?.();
    this.#cancelDial = undefined;
    if (how === 'when-sent') this.connection?.end();
    else this.connection?.destroy();
    this.connection = undefined;
    this.#tail = undefined;
  }

  /** Hot path. */
  #received(buffer: Uint8Array, from: number, end: number): void {
    const connection = this.connection;
    const { observed } = this.#owner;
    let start = from;
    if (this.#tail !== undefined) {
      start -= this.#tail.length;
      buffer.set(this.#tail, start);
      this.#tail = undefined;
    }
    this.#counters.bytesReceived += end - from;
    this.unheardSinceRenewal = false;
    let updates = 0;
    try {
      for (;;) {
        const length = frameLength(buffer, start, end, this.#maxLength);
        if (length === 0) break;
        this.#counters.messagesReceived++;
        if (observed) this.#owner.messageReceived(this, buffer, start, start + length);
        let next = start + length;
        if (buffer[start + 18] === MessageType.update && this.state.kind === 'Established') {
          updates++;
          // All that follow go along, unless somebody is to hear of each before it is acted on.
          let more = observed ? 0 : updateLength(buffer, next, end, this.#maxLength);
          for (; more > 0; more = updateLength(buffer, next, end, this.#maxLength)) {
            next += more;
            updates++;
            this.#counters.messagesReceived++;
          }
          const error = this.#owner.updatesReceived(buffer, start, next);
          if (error !== undefined) throw error;
        } else {
          this.#message(buffer, start, next);
        }
        // An event may have closed the connection under us.
        if (this.connection !== connection) break;
        start = next;
      }
    } catch (error) {
      this.#fail(error);
    }
    if (updates > 0) {
      this.#counters.updatesReceived += updates;
      this.#owner.updatesEnded();
    }
    if (this.connection !== connection || connection === undefined) return;
    if (start < end) this.#tail = buffer.slice(start, end);
    if (updates > 0) this.handle({ kind: 'updates-received' });
  }

  /** A fault of ours costs this session only, whatever the peer sent. */
  #fail(error: unknown): void {
    if (error instanceof BgpMessageError) {
      const { code, subcode, data, message: detail } = error;
      this.handle({ kind: 'message-error', error: { code, subcode, data, detail } });
      return;
    }
    this.#owner.fault(error);
    this.handle({
      kind: 'automatic-stop',
      subcode: CeaseError.outOfResources,
      detail: 'internal error, see the log',
    });
  }

  /** Everything but an UPDATE in Established. */
  #message(buffer: Uint8Array, start: number, end: number): void {
    switch (buffer[start + 18]) {
      case MessageType.open:
        this.openReceived = buffer.slice(start, end);
        this.#owner.openReceived(this, decodeOpen(buffer, start, end));
        return;
      case MessageType.update:
        this.handle({ kind: 'updates-received' });
        return;
      case MessageType.notification: {
        const notification = decodeNotification(buffer, start, end);
        this.#owner.notificationReceived(notification);
        this.handle({ kind: 'notification-received', notification });
        return;
      }
      case MessageType.keepalive:
        this.handle({ kind: 'keepalive-received' });
        return;
      case MessageType.routeRefresh: {
        const refresh = decodeRouteRefresh(buffer, start, end);
        this.handle({ kind: 'route-refresh-received' });
        if (this.state.kind === 'Established') this.#owner.routeRefreshReceived(refresh);
        return;
      }
    }
  }
}
