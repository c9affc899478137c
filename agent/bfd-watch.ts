/** What BFD says of the paths to this host's peers, and who wants to hear it: the speaker at once, people when they ask. */
import type { BfdReport, BfdSessionStatus, BfdVerdict, BfdView } from '../bgp/bfd/contract.js';
import type { BfdState, PeerStatus, SpeakerCommand } from '../bgp/speaker/contract.js';
import type { IpAddress } from '../core/ip-address.js';
import type { BfdHost, BfdHostHandler } from './bfd-host.js';
import { BfdSessions, defaultBfdTimers } from './bfd-sessions.js';
import type { Log } from './options.js';

const PATIENCE_MS = 2000;
export const noBfd: BfdView = {
  sessions: [],
  discarded: { strangers: 0, wrongTtl: 0, malformed: 0, unseen: 0 },
};

export interface BfdWatchOptions {
  readonly start: (handler: BfdHostHandler) => BfdHost;
  readonly tellSpeaker: (command: SpeakerCommand) => void;
  readonly changed: () => void;
  readonly log: Log;
}

export class BfdWatch {
  readonly #options: BfdWatchOptions;
  readonly #sessions = new BfdSessions(defaultBfdTimers);
  readonly #host: BfdHost;
  readonly #statuses = new Map<string, BfdSessionStatus>();
  readonly #told = new Map<IpAddress, BfdState>();
  readonly #waiting = new Map<number, (view: BfdView) => void>();
  #queries = 0;

  constructor(options: BfdWatchOptions) {
    this.#options = options;
    this.#host = options.start({
      report: report => this.#report(report),
      restarted: (error, pauseMs) => this.#died(error, pauseMs),
      commands: () => this.#sessions.commands(),
    });
  }

  /** The speaker is being told this. */
  onCommand(command: SpeakerCommand): void {
    for (const one of this.#sessions.onCommand(command)) this.#host.send(one);
  }

  onPeerStatus(peer: PeerStatus): void {
    for (const one of this.#sessions.onPeerStatus(peer)) this.#host.send(one);
  }

  onPeerRemoved(key: string): void {
    for (const one of this.#sessions.onPeerRemoved(key)) this.#host.send(one);
  }

  /** With the counters of now; what was known last where the thread does not answer. */
  view(): Promise<BfdView> {
    if (this.#statuses.size === 0) return Promise.resolve(noBfd);
    const id = ++this.#queries;
    return new Promise(resolve => {
      const last = { ...noBfd, sessions: [...this.#statuses.values()] };
      const timer = setTimeout(() => this.#waiting.get(id)?.(last), PATIENCE_MS);
      this.#waiting.set(id, view => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(view);
      });
      this.#host.send({ kind: 'query', id });
    });
  }

  close(patienceMs: number): Promise<void> {
    return this.#host.close(patienceMs);
  }

  #report(report: BfdReport): void {
    switch (report.kind) {
      case 'session-status':
        this.#status(report.session);
        return;
      case 'session-removed':
        this.#statuses.delete(report.key);
        this.#tell(report.key as IpAddress, 'unknown');
        this.#options.changed();
        return;
      case 'answer':
        this.#waiting.get(report.id)?.(report.view);
        return;
      case 'log':
        this.#options.log[report.level](report.fields, report.message);
        return;
      case 'closed':
        return;
    }
  }

  #status(session: BfdSessionStatus): void {
    const before = this.#statuses.get(session.key)?.verdict;
    this.#statuses.set(session.key, session);
    this.#tell(session.address, session.verdict);
    if (before !== session.verdict) this.#logVerdict(session);
    this.#options.changed();
  }

  #logVerdict({ address, verdict, diagnostic, remote }: BfdSessionStatus): void {
    const { log } = this.#options;
    const words: Readonly<Record<BfdVerdict, string>> = {
      up: 'BFD session up',
      down: 'BFD session down',
      'admin-down': 'BFD session administratively down',
      unknown: 'BFD session not up yet',
    };
    const fields = { address, diagnostic: diagnostic.words, remote: remote?.state ?? 'silent' };
    log[verdict === 'down' ? 'warn' : 'info'](fields, words[verdict]);
  }

  /** A thread that is gone knows of no path: that is no word against any. */
  #died(error: string, pauseMs: number): void {
    this.#options.log.error({ error, pauseMs }, 'the BFD thread ended; it is started again');
    for (const address of this.#told.keys()) this.#tell(address, 'unknown');
    for (const answer of this.#waiting.values()) answer({ ...noBfd, sessions: [...this.#statuses.values()] });
    for (const [key, session] of this.#statuses) {
      const info = 'the BFD thread is being restarted';
      this.#statuses.set(key, { ...session, state: 'Down', verdict: 'unknown', remote: undefined, info });
    }
    this.#options.changed();
  }

  #tell(address: IpAddress, state: BfdState): void {
    if ((this.#told.get(address) ?? 'unknown') === state) return;
    if (state === 'unknown') this.#told.delete(address);
    else this.#told.set(address, state);
    this.#options.tellSpeaker({ kind: 'bfd-status', address, state });
  }
}
