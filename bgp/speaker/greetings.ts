/**
 * SHELL: connections whose peer is not known before its OPEN: they are read until it is there. What does not come to that costs little and
 * not for long: a connection says OPEN within half a minute, an address has two at a time, and all together are bounded.
 *
 * Our own OPEN goes out when the peer's has come, as if with DelayOpen (RFC 4271 section 8.1.1): it depends on who that is. Whoever dials
 * sends first, unless two such listeners meet, which cannot be: a listener does not dial.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import { MessageType } from '../iana.js';
import { frameLength } from '../wire/framer.js';
import { BgpMessageError } from '../wire/message-error.js';
import { encodeNotification, type Notification } from '../wire/notification.js';
import { decodeOpen, type Open } from '../wire/open.js';
import type { Connection, ConnectionHandler, ConnectionTerms, TransportError } from './transport.js';

const MOST = 2048;
const MOST_OF_AN_ADDRESS = 2;
const PATIENCE_MS = 30_000;
/** RFC 8654 section 4: an OPEN never is an extended message. */
const LONGEST_OPEN = 4096;

export interface GreetingsHandler {
  /** It is the handler's now: whoever starts it hears the OPEN again. */
  opened(connection: Connection, open: Open): void;
  /** It is gone. @param detail for people; empty where there is nothing to tell */
  failed(address: IpAddress, detail: string): void;
}

export class Greetings {
  readonly #clock: Clock;
  readonly #handler: GreetingsHandler;
  /** By address, the oldest first. */
  readonly #waiting = new Map<IpAddress, Greeting[]>();
  #count = 0;

  constructor(clock: Clock, handler: GreetingsHandler) {
    this.#clock = clock;
    this.#handler = handler;
  }

  get count(): number {
    return this.#count;
  }

  add(connection: Connection): void {
    const address = connection.remoteAddress;
    if (this.#count >= MOST) {
      connection.destroy();
      this.#handler.failed(address, `${MOST} others have not sent their OPEN yet`);
      return;
    }
    const others = this.#waiting.get(address) ?? [];
    // A peer dials once at a time: an older attempt that has not come to anything is dead.
    if (others.length >= MOST_OF_AN_ADDRESS) others[0]!.destroy();
    const greeting: Greeting = new Greeting(connection, this.#clock, {
      opened: open => this.#handler.opened(greeting, open),
      failed: detail => this.#handler.failed(address, detail),
      over: () => this.#forget(greeting),
    });
    this.#waiting.set(address, [...(this.#waiting.get(address) ?? []), greeting]);
    this.#count++;
    connection.start(greeting);
  }

  close(): void {
    for (const greetings of [...this.#waiting.values()]) for (const one of greetings) one.destroy();
  }

  #forget(greeting: Greeting): void {
    const address = greeting.remoteAddress;
    const others = this.#waiting.get(address)!.filter(one => one !== greeting);
    this.#count--;
    if (others.length > 0) this.#waiting.set(address, others);
    else this.#waiting.delete(address);
  }
}

interface Outcome {
  opened(open: Open): void;
  failed(detail: string): void;
  /** In any case, once. */
  over(): void;
}

/** First it is read by itself; when it has been handed on it is a connection like any other. */
class Greeting implements Connection, ConnectionHandler {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly #inner: Connection;
  readonly #timer: Timer;
  #outcome: Outcome | undefined;
  #tail: Uint8Array = new Uint8Array(0);
  #handler: ConnectionHandler | undefined;

  constructor(inner: Connection, clock: Clock, outcome: Outcome) {
    this.#inner = inner;
    this.#outcome = outcome;
    ({
      localAddress: this.localAddress,
      localPort: this.localPort,
      remoteAddress: this.remoteAddress,
      remotePort: this.remotePort,
    } = inner);
    this.#timer = clock.schedule(PATIENCE_MS, () => this.#fail(`no OPEN within ${PATIENCE_MS / 1000} s`));
  }

  // ---------------------------------------------------------------- as a connection

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    return this.#inner.write(bytes);
  }

  get unsent(): number {
    return this.#inner.unsent;
  }

  apply(terms: ConnectionTerms): void {
    this.#inner.apply(terms);
  }

  end(): void {
    this.#settle();
    this.#handler = undefined;
    this.#inner.end();
  }

  destroy(): void {
    this.#settle();
    this.#handler = undefined;
    this.#inner.destroy();
  }

  // ---------------------------------------------------------------- as the handler of the one below

  /** Hot path once it has been handed on. */
  received(buffer: Uint8Array, start: number, end: number): void {
    if (this.#outcome === undefined) this.#handler?.received(buffer, start, end);
    else this.#greeted(this.#outcome, buffer, start, end);
  }

  drained(): void {
    this.#handler?.drained();
  }

  closed(error: TransportError | undefined): void {
    this.#settle();
    this.#handler?.closed(error);
  }

  #greeted(outcome: Outcome, buffer: Uint8Array, received: number, end: number): void {
    const start = received - this.#tail.length;
    buffer.set(this.#tail, start);
    try {
      const length = frameLength(buffer, start, end, LONGEST_OPEN);
      if (length === 0) {
        this.#tail = buffer.slice(start, end);
        return;
      }
      // RFC 4271 section 8.2.2: anything else in Active ends the attempt without a word.
      if (buffer[start + 18] !== MessageType.open) {
        this.#fail('its first message was no OPEN');
        return;
      }
      const open = decodeOpen(buffer, start, start + length);
      this.#settle();
      outcome.opened(open);
      this.#handler?.received(buffer, start, end);
    } catch (error) {
      if (!(error instanceof BgpMessageError)) throw error;
      refuse(this, error);
      outcome.failed(error.message);
    }
  }

  #fail(detail: string): void {
    const outcome = this.#outcome;
    this.destroy();
    outcome?.failed(detail);
  }

  #settle(): void {
    this.#timer.cancel();
    this.#tail = new Uint8Array(0);
    this.#outcome?.over();
    this.#outcome = undefined;
  }
}

/** Says why, and closes. */
export function refuse(connection: Connection, { code, subcode, data }: Notification): void {
  connection.write(encodeNotification({ code, subcode, data }));
  connection.end();
}
