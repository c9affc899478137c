/** SHELL: the listening sockets. One that cannot be had is tried again every few seconds, and said. */
import type { Clock, Timer } from '../../core/clock.js';
import type { ListenEndpoint, SpeakerEvent } from './contract.js';
import type { Cancel, Connection, Transport } from './transport.js';
import { transportWords } from './transport-words.js';

const RETRY_MS = 5000;
const CROWDED_PERIOD_MS = 60_000;

interface Options {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly onEvent: (event: SpeakerEvent) => void;
}

interface Listening {
  readonly endpoint: ListenEndpoint;
  /** The real one, once it listens. */
  port: number | undefined;
  cancel: Cancel;
  retry: Timer | undefined;
}

export class Listeners {
  readonly #options: Options;
  readonly #accepted: (connection: Connection) => void;
  readonly #listening = new Map<string, Listening>();
  #readyTold = false;
  #crowdedSaidMs = Number.NEGATIVE_INFINITY;

  constructor(options: Options, accepted: (connection: Connection) => void) {
    this.#options = options;
    this.#accepted = accepted;
  }

  /** Opens what is new, closes what is no longer wanted. */
  set(endpoints: readonly ListenEndpoint[]): void {
    const wanted = new Map(endpoints.map(endpoint => [`${endpoint.address} ${endpoint.port}`, endpoint]));
    for (const [key, listening] of this.#listening) {
      if (wanted.has(key)) continue;
      listening.retry?.cancel();
      listening.cancel();
      this.#listening.delete(key);
    }
    this.#readyTold = false;
    for (const [key, endpoint] of wanted) if (!this.#listening.has(key)) this.#open(key, endpoint);
    this.#tellReady();
  }

  #open(key: string, endpoint: ListenEndpoint): void {
    const listening: Listening = { endpoint, port: undefined, cancel: () => {}, retry: undefined };
    this.#listening.set(key, listening);
    listening.cancel = this.#options.transport.listen(endpoint, {
      listening: port => {
        listening.port = port;
        this.#tellReady();
      },
      failed: error => {
        this.#options.onEvent({ kind: 'listen-failed', endpoint, error: transportWords(error) });
        listening.retry = this.#options.clock.schedule(RETRY_MS, () => this.#open(key, endpoint));
      },
      accepted: connection => this.#accepted(connection),
      crowded: open => this.#crowded(open),
    });
  }

  /** Once a minute. */
  #crowded(open: number): void {
    const now = this.#options.clock.now();
    if (now - this.#crowdedSaidMs < CROWDED_PERIOD_MS) return;
    this.#crowdedSaidMs = now;
    this.#options.onEvent({
      kind: 'log',
      level: 'error',
      message: 'hardly any more files can be opened: connections are refused until others end',
      fields: { open, cure: 'raise LimitNOFILE or ulimit -n' },
    });
  }

  /** Once all that is wanted listens. */
  #tellReady(): void {
    const all = [...this.#listening.values()];
    if (this.#readyTold || all.some(({ port }) => port === undefined)) return;
    this.#readyTold = true;
    const listening = all.map(({ endpoint, port }) => ({ address: endpoint.address, port: port! }));
    this.#options.onEvent({ kind: 'ready', listening });
  }
}
