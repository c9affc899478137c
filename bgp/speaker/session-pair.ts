/**
 * SHELL: the session of a peer, and beside it the connection that the peer dialled, until collision detection has chosen one of the
 * two (RFC 4271 section 6.8).
 */
import { resolveCollision } from '../fsm/collision.js';
import { negotiate, remoteAsnOf } from '../fsm/negotiate.js';
import type { LocalOpen } from '../fsm/session-state.js';
import type { Open } from '../wire/open.js';
import type { Session } from './session.js';
import type { Connection } from './transport.js';

export class SessionPair {
  readonly #newSession: () => Session;
  #main: Session;
  #incoming: Session | undefined;

  constructor(newSession: () => Session) {
    this.#newSession = newSession;
    this.#main = newSession();
  }

  /** The one that people see and that routes travel on. */
  get main(): Session {
    return this.#main;
  }

  /** A connection from the peer's address. */
  accept(connection: Connection): void {
    const { state } = this.#main;
    if (state.kind === 'Idle') {
      connection.destroy();
      return;
    }
    if (state.kind === 'Active' && this.#main.connection === undefined) {
      this.#main.accept(connection);
      return;
    }
    // The peer dials once at a time: an older attempt that has not come to anything is dead.
    this.#incoming?.abandon();
    this.#incoming = this.#newSession();
    this.#incoming.state = {
      kind: 'Active',
      connectRetryCounter: state.connectRetryCounter,
      delayingOpen: false,
    };
    this.#incoming.accept(connection);
  }

  /** Hands the OPEN to its session, unless that is the one to be closed. @param local what our own OPEN says */
  openReceived(session: Session, open: Open, local: LocalOpen): void {
    const other = session === this.#main ? this.#incoming : this.#main;
    // One that is to be refused anyway must not cost the other connection.
    if (other !== undefined && negotiate(local, open).kind === 'agreed') {
      const outcome = resolveCollision({
        initiatedBy: session.initiatedBy,
        other: other.state,
        otherInitiatedBy: other.initiatedBy,
        localRouterId: local.open.routerId,
        localAsn: local.asn,
        remoteRouterId: open.routerId,
        remoteAsn: remoteAsnOf(open),
      });
      // A peer that resets when its password changes says goodbye with a signature that we do not take any more. It has the new one.
      const left = other.state.kind === 'Established' && other.unheardSinceRenewal;
      if (outcome === 'close-this' && !left) {
        session.handle({ kind: 'open-collision-dump' });
        this.keep(other);
        return;
      }
      if (outcome === 'peer-restarted' || left) other.handle({ kind: 'peer-restarted' });
      else other.handle({ kind: 'open-collision-dump' });
      this.keep(session);
    }
    session.handle({ kind: 'open-received', open });
  }

  /** The other session, if any, is over; `session` is the peer's own from now on. */
  keep(session: Session): void {
    const loser = session === this.#main ? this.#incoming : this.#main;
    this.#main = session;
    this.#incoming = undefined;
    loser?.abandon();
  }

  /** After a change of the second session's state: it has failed, or come further than the main one. True if it was that one. */
  secondChanged(session: Session): boolean {
    if (session !== this.#incoming) return false;
    if (session.state.kind === 'Idle' || session.connection === undefined) {
      session.abandon();
      this.#incoming = undefined;
    } else if (session.state.kind === 'OpenConfirm' && !hasSpoken(this.#main)) this.keep(session);
    return true;
  }

  /** The main session is over: the second one, if any, takes its place. */
  succeed(): void {
    if (this.#incoming !== undefined) this.keep(this.#incoming);
  }

  /** Cease with `subcode` on both (RFC 4486). */
  stop(subcode: number, detail: string, message = ''): void {
    this.#incoming?.handle({ kind: 'automatic-stop', subcode, detail, message });
    this.#main.handle({ kind: 'automatic-stop', subcode, detail, message });
  }

  /** Cease/Administrative Shutdown with the message on both (RFC 9003). */
  shutDown(message: string): void {
    this.#incoming?.handle({ kind: 'manual-stop', message });
    this.#main.handle({ kind: 'manual-stop', message });
  }

  /** What connections must be like has changed. */
  renewTerms(): void {
    this.#main.renewTerms();
    this.#incoming?.renewTerms();
  }

  /** Of the configuration. */
  keepaliveTimeChanged(): void {
    this.#main.handle({ kind: 'keepalive-time-changed' });
    this.#incoming?.handle({ kind: 'keepalive-time-changed' });
  }

  abandonSecond(): void {
    this.#incoming?.abandon();
    this.#incoming = undefined;
  }
}

function hasSpoken({ state }: Session): boolean {
  return state.kind === 'OpenSent' || state.kind === 'OpenConfirm' || state.kind === 'Established';
}
