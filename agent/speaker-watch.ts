/**
 * What the host's speaker says of itself: whether it runs and listens, and how its sessions are, as `bgpctl` shows it. One that is being
 * restarted has no sessions, and knows nothing yet.
 */
import type { ListenEndpoint, PeerStatus, SpeakerEvent } from '../bgp/speaker/contract.js';
import type { WatchTopic } from './control/types.js';
import type { AgentOptions, AgentState } from './options.js';

export type SpeakerState = Pick<
  AgentState,
  'speaker' | 'speakerRestarts' | 'listening' | 'listenErrors' | 'ribInSync'
>;

export type SpeakerStateEvent = Extract<
  SpeakerEvent,
  { readonly kind: 'ready' | 'listen-failed' | 'peer-status' | 'peer-removed' }
>;

const WITHHELD = 'this host announces nothing: see bgpctl status';
const RESTARTING = 'the speaker is being restarted';

export class SpeakerWatch {
  readonly peers = new Map<string, PeerStatus>();
  readonly #state: SpeakerState;
  readonly #options: Pick<AgentOptions, 'log' | 'portHolder'>;
  readonly #tell: (topic: WatchTopic) => void;

  constructor(
    state: SpeakerState,
    options: Pick<AgentOptions, 'log' | 'portHolder'>,
    tell: (topic: WatchTopic) => void,
  ) {
    this.#state = state;
    this.#options = options;
    this.#tell = tell;
  }

  heard(event: SpeakerStateEvent): void {
    switch (event.kind) {
      case 'ready':
        if (this.#state.speaker === 'withheld') return;
        this.#state.speaker = 'running';
        this.#state.listening = event.listening;
        this.#state.listenErrors = [];
        this.#tell('status');
        return;
      case 'listen-failed':
        this.#listenFailed(event.endpoint, event.error);
        return;
      case 'peer-status':
        this.peers.set(event.peer.key, event.peer);
        this.#tell('peers');
        return;
      case 'peer-removed':
        this.peers.delete(event.key);
        this.#tell('peers');
        return;
    }
  }

  /** Its routes stay until its successor has heard from the peers and tells a whole table. */
  died(error: string, pauseMs: number): void {
    this.#options.log.error({ error, pauseMs }, 'the speaker ended; routes stay, it is started again');
    this.#state.speaker = 'restarting';
    this.#state.speakerRestarts++;
    this.#gone(RESTARTING);
  }

  /** It has no sessions until this host may announce itself; its routes stay. */
  withheld(): void {
    this.#state.speaker = 'withheld';
    this.#state.listening = [];
    this.#gone(WITHHELD);
  }

  /** It begins anew. */
  resumed(): void {
    if (this.#state.speaker === 'withheld') this.#state.speaker = 'starting';
  }

  #gone(info: string): void {
    this.#state.ribInSync.clear();
    const sinceUnixMs = Date.now();
    for (const [key, peer] of this.peers) {
      this.peers.set(key, { ...peer, state: 'Idle', sinceUnixMs, session: undefined, info });
    }
    this.#tell('peers');
  }

  #listenFailed({ address, port }: ListenEndpoint, error: string): void {
    const endpoint = `${address}:${port}`;
    const holder = this.#options.portHolder(port);
    const held = holder === undefined ? '' : `, held by ${holder.command} (pid ${holder.pid})`;
    const words = `${endpoint}: ${error}${held}`;
    if (!this.#state.listenErrors.includes(words)) {
      this.#state.listenErrors = [...this.#state.listenErrors, words];
      this.#options.log.error(
        { endpoint, error: `${error}${held}` },
        'cannot listen for BGP connections, trying again',
      );
    }
    this.#state.speaker = 'running';
    this.#tell('status');
  }
}
