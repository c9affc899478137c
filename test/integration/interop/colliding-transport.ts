/**
 * A transport that makes a connection collision certain (RFC 4271 section 6.8): the first dial waits until the peer's own connection is
 * there, and the speaker gets both in the same turn, before a byte has been read from either.
 */
import type {
  Cancel,
  Connection,
  DialHandler,
  DialTarget,
  ListenHandler,
  Transport,
} from '../../../bgp/speaker/transport.js';

interface Waiting {
  readonly target: DialTarget;
  readonly handler: DialHandler;
}

export class CollidingTransport implements Transport {
  readonly #inner: Transport;
  #dial: Waiting | undefined;
  #accepted: (() => void) | undefined;
  #collided = false;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  dial(target: DialTarget, handler: DialHandler): Cancel {
    if (this.#collided) return this.#inner.dial(target, handler);
    const waiting = { target, handler };
    this.#dial = waiting;
    this.#collide();
    return () => {
      if (this.#dial === waiting) this.#dial = undefined;
    };
  }

  listen(endpoint: Parameters<Transport['listen']>[0], handler: ListenHandler): Cancel {
    return this.#inner.listen(endpoint, {
      ...handler,
      accepted: (connection: Connection) => {
        if (this.#collided) {
          handler.accepted(connection);
          return;
        }
        this.#accepted = () => handler.accepted(connection);
        this.#collide();
      },
    });
  }

  get secures(): boolean {
    return this.#inner.secures;
  }

  guard(...guard: Parameters<Transport['guard']>): void {
    this.#inner.guard(...guard);
  }

  droppedSegments(): ReturnType<Transport['droppedSegments']> {
    return this.#inner.droppedSegments();
  }

  #collide(): void {
    const [dial, accepted] = [this.#dial, this.#accepted];
    if (dial === undefined || accepted === undefined) return;
    this.#collided = true;
    this.#inner.dial(dial.target, {
      connected: connection => {
        dial.handler.connected(connection);
        accepted();
      },
      failed: error => {
        dial.handler.failed(error);
        accepted();
      },
    });
  }
}
