/**
 * Which BFD sessions this host's peers ask for (pure): one for each address, whoever and how many speak BGP with it (RFC 5882
 * section 2). A peer in a subnet of ours, or with an interface of its own, is one hop away (RFC 5881), any other several (RFC 5883).
 */
import type { BfdCommand, BfdSessionConfig } from '../bgp/bfd/contract.js';
import type {
  BfdWish,
  PeerConfig,
  PeerStatus,
  PeerTemplate,
  SpeakerCommand,
} from '../bgp/speaker/contract.js';
import { type IpAddress, isLinkLocal } from '../core/ip-address.js';
import { prefixContainsAddress } from '../core/prefix.js';

/** Milliseconds, and packets that may be missed. */
export interface BfdTimers {
  readonly minTxMs: number;
  readonly minRxMs: number;
  readonly multiplier: number;
}

/** A silent link is noticed within 0.9 s. */
export const defaultBfdTimers: BfdTimers = { minTxMs: 300, minRxMs: 300, multiplier: 3 };

type Wish = Pick<
  PeerConfig,
  'address' | 'localAddress' | 'interface' | 'sharedSubnets' | 'bfd' | 'administrativeState'
>;

export class BfdSessions {
  readonly #timers: BfdTimers;
  /** By peer key. */
  readonly #wishes = new Map<string, Wish>();
  readonly #templates = new Map<string, PeerTemplate>();
  /** By address, as told. */
  readonly #told = new Map<IpAddress, BfdSessionConfig>();

  constructor(timers: BfdTimers) {
    this.#timers = timers;
  }

  /** What BFD must be told after the speaker was told this. */
  onCommand(command: SpeakerCommand): readonly BfdCommand[] {
    switch (command.kind) {
      case 'set-peer':
        return this.#wish(command.peer.key, command.peer);
      case 'remove-peer':
        return this.#wish(command.key, undefined);
      case 'set-peer-range':
        this.#templates.set(command.range.key, command.range.template);
        return [];
      case 'remove-peer-range':
        this.#templates.delete(command.key);
        return [];
      default:
        return [];
    }
  }

  /** A peer out of a range is there once it has a session, and until it is forgotten. */
  onPeerStatus({ key, address, dynamicFrom, session }: PeerStatus): readonly BfdCommand[] {
    const template = dynamicFrom === undefined ? undefined : this.#templates.get(dynamicFrom);
    if (template === undefined || session === undefined) return [];
    return this.#wish(key, { ...template, address, localAddress: session.localAddress });
  }

  onPeerRemoved(key: string): readonly BfdCommand[] {
    return this.#wish(key, undefined);
  }

  /** Everything, for one who knows nothing. */
  commands(): readonly BfdCommand[] {
    return [...this.#told.values()].map(session => ({ kind: 'set-session', session }));
  }

  #wish(key: string, wish: Wish | undefined): readonly BfdCommand[] {
    const before = this.#wishes.get(key);
    if (wish?.bfd === undefined) this.#wishes.delete(key);
    else this.#wishes.set(key, wish);
    const concerned = new Set([before?.address, wish?.address]);
    return [...concerned].flatMap(address => (address === undefined ? [] : this.#review(address)));
  }

  #review(address: IpAddress): readonly BfdCommand[] {
    const told = this.#told.get(address);
    const session = this.#wanted(address);
    if (JSON.stringify(told) === JSON.stringify(session)) return [];
    if (session === undefined) {
      this.#told.delete(address);
      return [{ kind: 'remove-session', key: address }];
    }
    this.#told.set(address, session);
    return [{ kind: 'set-session', session }];
  }

  #timersOf(bfd: BfdWish | undefined): BfdTimers {
    const { minTxMs, minRxMs, multiplier } = this.#timers;
    return {
      minTxMs: bfd?.intervalMs ?? minTxMs,
      minRxMs: bfd?.intervalMs ?? minRxMs,
      multiplier: bfd?.multiplier ?? multiplier,
    };
  }

  /** Of several peers with one address the first by key says how; it is up if any of them is. */
  #wanted(address: IpAddress): BfdSessionConfig | undefined {
    const wishes = [...this.#wishes].filter(([, wish]) => wish.address === address);
    const [first] = wishes.toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (first === undefined) return undefined;
    const { localAddress, sharedSubnets, interface: name, bfd } = first[1];
    const oneHop =
      name !== undefined ||
      isLinkLocal(address) ||
      sharedSubnets.some(subnet => prefixContainsAddress(subnet, address));
    return {
      key: address,
      address,
      localAddress,
      interface: name,
      multihop: !oneHop,
      ...this.#timersOf(bfd),
      administrativeState: wishes.some(([, wish]) => wish.administrativeState === 'up') ? 'up' : 'down',
    };
  }
}
