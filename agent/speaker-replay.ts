/**
 * What a speaker that starts anew must be told (pure): the sum of all commands so far. A speaker's thread that died is replaced by one
 * that knows the same; to its peers it is a graceful restart.
 */
import type { Family } from '../bgp/family.js';
import type {
  BfdState,
  NextHopStatus,
  OriginatedRoute,
  PeerConfig,
  PeerRangeConfig,
  SpeakerCommand,
  SpeakerConfig,
} from '../bgp/speaker/contract.js';
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';

/** Routes and next hops go over in pieces of this many. */
const PIECE = 1000;

export class SpeakerReplay {
  readonly #forwarding: readonly Family[];
  #config: SpeakerConfig | undefined;
  readonly #peers = new Map<string, PeerConfig>();
  readonly #ranges = new Map<string, PeerRangeConfig>();
  readonly #routes = new Map<Prefix, OriginatedRoute>();
  readonly #nextHops = new Map<IpAddress, NextHopStatus>();
  readonly #bfd = new Map<IpAddress, BfdState>();
  #ownAddresses: readonly IpAddress[] = [];
  #complete = false;
  #recording = false;

  /** @param forwarding families whose packets go on being forwarded meanwhile: else peers let go of our routes (RFC 4724) */
  constructor(forwarding: readonly Family[]) {
    this.#forwarding = forwarding;
  }

  remember(command: SpeakerCommand): void {
    switch (command.kind) {
      case 'configure':
        this.#config = command.config;
        return;
      case 'set-peer':
        this.#peers.set(command.peer.key, command.peer);
        return;
      case 'remove-peer':
        this.#peers.delete(command.key);
        return;
      case 'set-peer-range':
        this.#ranges.set(command.range.key, command.range);
        return;
      case 'remove-peer-range':
        this.#ranges.delete(command.key);
        return;
      case 'originate':
        for (const route of command.routes) this.#routes.set(route.prefix, route);
        return;
      case 'withdraw':
        for (const prefix of command.prefixes) this.#routes.delete(prefix);
        return;
      case 'next-hop-status':
        for (const status of command.nextHops) this.#nextHops.set(status.nextHop, status);
        return;
      case 'own-addresses':
        this.#ownAddresses = command.addresses;
        return;
      case 'bfd-status':
        if (command.state === 'unknown') this.#bfd.delete(command.address);
        else this.#bfd.set(command.address, command.state);
        return;
      case 'configuration-complete':
        this.#complete = true;
        return;
      case 'record-sessions':
        this.#recording = command.on;
        return;
      case 'pull-best-routes':
      case 'clear-peer':
      case 'query':
      case 'close':
        return;
    }
  }

  /** Next hops that nobody watches any more need not be told again. */
  watchedNextHops(nextHops: readonly IpAddress[]): void {
    const watched = new Set(nextHops);
    for (const nextHop of this.#nextHops.keys()) if (!watched.has(nextHop)) this.#nextHops.delete(nextHop);
  }

  commands(): readonly SpeakerCommand[] {
    if (this.#config === undefined) return [];
    const commands: SpeakerCommand[] = [{ kind: 'configure', config: this.#restarting(this.#config) }];
    commands.push({ kind: 'own-addresses', addresses: this.#ownAddresses });
    if (this.#recording) commands.push({ kind: 'record-sessions', on: true });
    const nextHops = [...this.#nextHops.values()];
    for (let i = 0; i < nextHops.length; i += PIECE) {
      commands.push({ kind: 'next-hop-status', nextHops: nextHops.slice(i, i + PIECE) });
    }
    const routes = [...this.#routes.values()];
    for (let i = 0; i < routes.length; i += PIECE) {
      commands.push({ kind: 'originate', routes: routes.slice(i, i + PIECE) });
    }
    for (const [address, state] of this.#bfd) commands.push({ kind: 'bfd-status', address, state });
    for (const peer of this.#peers.values()) commands.push({ kind: 'set-peer', peer });
    for (const range of this.#ranges.values()) commands.push({ kind: 'set-peer-range', range });
    if (this.#complete) commands.push({ kind: 'configuration-complete' });
    return commands;
  }

  #restarting(config: SpeakerConfig): SpeakerConfig {
    const { gracefulRestart } = config;
    if (gracefulRestart === undefined) return { ...config, restarting: true };
    const forwardingPreserved = [...new Set([...gracefulRestart.forwardingPreserved, ...this.#forwarding])];
    return { ...config, restarting: true, gracefulRestart: { ...gracefulRestart, forwardingPreserved } };
  }
}
