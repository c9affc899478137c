/**
 * SHELL: this host's speaker and who talks with it: what the calculators tell it, best routes from it to the dataplane, BFD, people's
 * switches and questions. One that dies is another one's business; what it knew is told to its successor.
 */
import { FAMILIES, type Family } from '../bgp/family.js';
import type {
  NextHopStatus,
  PeerConfig,
  PeerStatus,
  SpeakerCommand,
  SpeakerEvent,
} from '../bgp/speaker/contract.js';
import type { IpAddress } from '../core/ip-address.js';
import { BestRouteIntake, type BestRouteTaker } from './best-route-intake.js';
import { BfdWatch } from './bfd-watch.js';
import type { WatchTopic } from './control/types.js';
import { Monitoring } from './monitoring.js';
import type { AgentOptions, AgentState } from './options.js';
import { PeerShutdowns } from './peer-shutdowns.js';
import { PeerSwitches } from './peer-switches.js';
import { SpeakerAppearance } from './speaker-appearance.js';
import type { SpeakerHost } from './speaker-host.js';
import { SpeakerQueries } from './speaker-queries.js';
import { SpeakerWatch } from './speaker-watch.js';

export interface AgentSpeakerOptions {
  readonly agent: AgentOptions;
  readonly state: AgentState;
  /** A peer that the documents ask for. */
  readonly peer: (key: string) => PeerConfig | undefined;
  /** Of best routes; undefined: they are made nothing of. */
  readonly taker: BestRouteTaker | undefined;
  /** Next hops whose reachability it wants to hear of. */
  readonly watchNextHops: (nextHops: readonly IpAddress[]) => void;
  /** Its RIB is in sync, and the whole of what it holds for a family was taken. */
  readonly synced: (family: Family) => void;
  /** It is back after {@link AgentSpeaker.withhold}. */
  readonly resumed: () => void;
  readonly tell: (topic: WatchTopic) => void;
}

/** Sessions close and say goodbye within this. */
const SPEAKER_PATIENCE_MS = 2000;
const BFD_PATIENCE_MS = 1000;

export class AgentSpeaker {
  readonly queries: SpeakerQueries;
  /** Undefined: peers do without. */
  readonly bfd: BfdWatch | undefined;
  readonly monitoring: Monitoring;
  readonly #options: AgentSpeakerOptions;
  readonly #host: SpeakerHost;
  readonly #watch: SpeakerWatch;
  readonly #switches: PeerSwitches;
  readonly #intake: BestRouteIntake;
  readonly #appearance: SpeakerAppearance;

  constructor(options: AgentSpeakerOptions) {
    this.#options = options;
    const { agent, state, tell, taker = noTaker } = options;
    const send = (command: SpeakerCommand) => this.#host.send(command);
    this.#watch = new SpeakerWatch(state, agent, tell);
    this.#switches = new PeerSwitches(agent.peerShutdowns ?? new PeerShutdowns(undefined));
    this.#host = agent.startSpeaker({
      event: event => this.#heard(event),
      restarted: (error, pauseMs) => this.#died(error, pauseMs),
    });
    this.bfd = this.#newBfd();
    this.queries = new SpeakerQueries(send);
    this.monitoring = new Monitoring(this.queries, send);
    this.#intake = new BestRouteIntake(taker, send, family => this.#wholeTable(family));
    this.#appearance = new SpeakerAppearance({
      ...{ speaker: this.#host, watch: this.#watch, intake: this.#intake, queries: this.queries },
      families: this.#reflects ? [] : FAMILIES,
      resumed: options.resumed,
    });
  }

  /** As they last said. */
  get peers(): ReadonlyMap<string, PeerStatus> {
    return this.#watch.peers;
  }

  /** As they are now; of a speaker that does not answer, because it is being restarted, as they last said. */
  async currentPeers(): Promise<readonly PeerStatus[]> {
    const answer = await this.queries.ask({ kind: 'peers' });
    return answer.kind === 'peers' ? answer.peers : [...this.peers.values()];
  }

  /** Best routes are of no use to anybody on this host. */
  get #reflects(): boolean {
    return this.#options.agent.mode === 'route-reflector';
  }

  // ---------------------------------------------------------------- what it is told

  /** What the documents come to. */
  send(commands: readonly SpeakerCommand[]): void {
    for (const command of commands) {
      // A speaker that is being restarted will not say that the peer is gone.
      if (command.kind === 'remove-peer') this.#watch.peers.delete(command.key);
      const told = this.#switches.applyTo(command);
      this.#host.send(told);
      this.bfd?.onCommand(told);
    }
  }

  nextHopStatus(nextHops: readonly NextHopStatus[]): void {
    this.#host.send({ kind: 'next-hop-status', nextHops });
  }

  ownAddresses(addresses: readonly IpAddress[]): void {
    this.#host.send({ kind: 'own-addresses', addresses });
  }

  /** It has been told everything, and may appear to its peers. */
  begin(): void {
    this.#appearance.begin();
  }

  /** It says goodbye, and comes back with {@link begin}. */
  withhold(): void {
    this.#appearance.withhold();
  }

  restart(reason: string): void {
    this.#host.restart(reason);
  }

  async close(goodbye: 'silent' | 'cease', message: string): Promise<void> {
    this.#options.state.speaker = 'closed';
    // Sessions that end for want of a BFD session would end before their own goodbye.
    await this.#host.close(goodbye, message, SPEAKER_PATIENCE_MS);
    await this.bfd?.close(BFD_PATIENCE_MS);
  }

  // ---------------------------------------------------------------- people

  /** False if there is no such peer. Until the agent restarts; enabled, it is no longer shut down either. */
  setPeerEnabled(key: string, enabled: boolean): boolean {
    return this.#switched(key, () => {
      if (enabled) this.#switches.enable(key);
      else this.#switches.disable(key);
    });
  }

  /** False if there is no such peer. Until it is enabled, also over restarts. */
  shutdownPeer(key: string, message: string): boolean {
    return this.#switched(key, () => this.#switches.shutDown(key, message));
  }

  /** Whether it has no session, by hand or for want of its password. */
  keepsPeerDown(key: string): boolean {
    const peer = this.#options.peer(key);
    if (peer === undefined) return false;
    const told = this.#switches.applyTo({ kind: 'set-peer', peer });
    return told.kind === 'set-peer' && told.peer.administrativeState === 'down';
  }

  clearPeer(key: string, how: 'hard' | 'soft-in' | 'soft-out', message: string): void {
    this.#host.send({ kind: 'clear-peer', key, how, message });
  }

  #switched(key: string, change: () => void): boolean {
    const peer = this.#options.peer(key);
    if (peer === undefined) return false;
    change();
    this.send([{ kind: 'set-peer', peer }]);
    return true;
  }

  // ---------------------------------------------------------------- what it says

  #heard(event: SpeakerEvent): void {
    const { agent, state, tell } = this.#options;
    switch (event.kind) {
      case 'ready':
      case 'listen-failed':
        this.#watch.heard(event);
        return;
      case 'peer-status':
        this.bfd?.onPeerStatus(event.peer);
        this.#watch.heard(event);
        return;
      case 'peer-removed':
        this.bfd?.onPeerRemoved(event.key);
        this.#watch.heard(event);
        return;
      case 'watch-next-hops':
        this.#options.watchNextHops(event.nextHops);
        return;
      case 'best-routes':
        // What goes with sessions that end by our own will stays in the kernel.
        if (this.#appearance.suspended) return;
        this.#intake.take(event.batch);
        tell('routes');
        return;
      case 'rib-in-sync':
        state.ribInSync.set(event.family, { timedOut: event.timedOut });
        // What the RIB holds now is the truth: take it whole, then let go of what it does not say.
        if (this.#reflects) this.#wholeTable(event.family);
        else this.#intake.begin(event.family);
        tell('status');
        return;
      case 'answer':
        this.queries.answered(event.id, event.answer);
        return;
      case 'log':
        agent.log[event.level](event.fields, event.message);
        return;
      case 'mrt-records':
        this.monitoring.recorded(event.records);
        return;
      case 'bmp-stations':
        this.monitoring.stations = event.stations;
        tell('status');
        return;
      case 'closed':
        return;
    }
  }

  #died(error: string, pauseMs: number): void {
    this.#intake.speakerEnded();
    this.queries.failAll('the speaker is being restarted');
    this.#watch.died(error, pauseMs);
  }

  /** One that was taken before the RIB came in sync says nothing of what may go. */
  #wholeTable(family: Family): void {
    if (this.#options.state.ribInSync.has(family)) this.#options.synced(family);
  }

  #newBfd(): BfdWatch | undefined {
    const { agent, tell } = this.#options;
    if (agent.startBfd === undefined) return undefined;
    return new BfdWatch({
      start: agent.startBfd,
      tellSpeaker: command => this.#host.send(command),
      changed: () => {
        tell('bfd');
        tell('peers');
      },
      log: agent.log,
    });
  }
}

const noTaker: BestRouteTaker = {
  setBest: () => {},
  flush: () => {},
  bestPrefixes: () => [],
};
