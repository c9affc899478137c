/**
 * SHELL: this host's addresses inside its tunnels, had from address management under a handle of their own, so that no workload gets them, and
 * kept over restarts. What the host's Node says stays as long as it is out of a block of the host.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { AddressFamily, IpAddress, PerFamily } from '../../core/ip-address.js';
import { addressFamily } from '../../core/ip-address.js';
import { prefixContainsAddress, prefixFamily } from '../../core/prefix.js';
import type { HostIpam } from '../../ipam/host-ipam.js';
import { tunnelHandle } from '../../ipam/names.js';
import type { AllocationOutcome } from '../../ipam/request.js';
import { ownBlocks } from '../../ipam/sources.js';

export interface TunnelAddressesOptions {
  readonly ipam: HostIpam;
  readonly clock: Clock;
  /** Families that an address is wanted of. */
  readonly wanted: () => readonly AddressFamily[];
  /** What the host's Node says. */
  readonly written: (family: AddressFamily) => IpAddress | undefined;
  readonly assigned: (addresses: PerFamily<IpAddress>) => void;
  /** A problem came or went. */
  readonly changed: () => void;
}

/** Whoever writes pools and blocks into a new store is done with it by then: a block that he gives the host serves better than one it claims. */
const SETTLE_MS = 5000;
const RETRY_MS = 10_000;

export class TunnelAddresses {
  readonly #options: TunnelAddressesOptions;
  readonly #problems = new Map<AddressFamily, string>();
  readonly #wantedSinceMs = new Map<AddressFamily, number>();
  #addresses: PerFamily<IpAddress>;
  #timer: Timer | undefined;
  #running = false;
  #again = false;
  #begun = false;
  #closed = false;

  constructor(options: TunnelAddressesOptions) {
    this.#options = options;
    const { host, durable } = options.ipam.context;
    const handle = tunnelHandle(host);
    const kept = [...durable.record.allocations.values()].filter(each => each.handle === handle);
    const of = (family: AddressFamily) =>
      kept.find(({ address }) => addressFamily(address) === family)?.address;
    this.#addresses = { ipv4: of('ipv4'), ipv6: of('ipv6') };
  }

  /** As far as it is known, also without the store. */
  get addresses(): PerFamily<IpAddress> {
    return this.#addresses;
  }

  /** Why there is none, by family. */
  get problems(): ReadonlyMap<AddressFamily, string> {
    return this.#problems;
  }

  /** What the store says of this host's own is known: from now on addresses are asked for. */
  begin(): void {
    this.#begun = true;
    this.review();
  }

  /** Something that they depend on may be otherwise. */
  review(): void {
    if (!this.#begun || this.#closed) return;
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#look();
    }
    this.#running = false;
  }

  async #look(): Promise<void> {
    const wanted = this.#options.wanted();
    for (const family of this.#wantedSinceMs.keys()) {
      if (wanted.includes(family)) continue;
      this.#wantedSinceMs.delete(family);
      this.#say(family, undefined);
    }
    let pauseMs: number | undefined;
    for (const family of wanted) {
      const settlingMs = this.#settlingMs(family);
      const outcome = settlingMs > 0 ? undefined : await this.#ask(family);
      if (this.#closed) return;
      if (outcome !== undefined) this.#answered(family, outcome);
      const again = settlingMs > 0 ? settlingMs : outcome === undefined ? undefined : RETRY_MS;
      if (again !== undefined) pauseMs = Math.min(again, pauseMs ?? again);
    }
    this.#timer?.cancel();
    if (pauseMs !== undefined) this.#timer = this.#options.clock.schedule(pauseMs, () => this.review());
  }

  /** How long it is still waited for a block that a person gives the host; 0: it has one, or has waited. */
  #settlingMs(family: AddressFamily): number {
    const { clock, ipam } = this.#options;
    const since = this.#wantedSinceMs.get(family) ?? clock.now();
    this.#wantedSinceMs.set(family, since);
    const own = ownBlocks(ipam.context, ipam.context.host);
    return own.some(cidr => prefixFamily(cidr) === family) ? 0 : Math.max(0, since + SETTLE_MS - clock.now());
  }

  /** Undefined: it is as it was. */
  async #ask(family: AddressFamily): Promise<AllocationOutcome | undefined> {
    const { ipam, written } = this.#options;
    const { host, durable } = ipam.context;
    const said = written(family);
    const has = this.#addresses[family];
    const known = durable.record.allocations;
    if (
      has !== undefined &&
      known.get(has)?.handle === tunnelHandle(host) &&
      (said === undefined || said === has)
    )
      return undefined;
    const isOwn = (address: IpAddress) =>
      ownBlocks(ipam.context, host).some(cidr => prefixContainsAddress(cidr, address));
    if (said !== undefined && isOwn(said)) {
      const outcome = await ipam.allocate({ ...this.#request(family), address: said });
      if (outcome.kind === 'given' && has !== undefined && has !== said)
        await ipam.release({ handle: tunnelHandle(host), address: has });
      if (outcome.kind !== 'none') return outcome;
    }
    return await ipam.allocate(this.#request(family));
  }

  #request(family: AddressFamily) {
    const { host } = this.#options.ipam.context;
    const count = { ipv4: 0, ipv6: 0, [family]: 1 };
    return { handle: tunnelHandle(host), node: host, use: 'Tunnel', attributes: {}, count } as const;
  }

  #answered(family: AddressFamily, outcome: AllocationOutcome): void {
    switch (outcome.kind) {
      case 'given':
        this.#say(family, undefined);
        this.#set(family, outcome.addresses[0]?.address);
        return;
      case 'none':
        this.#say(family, outcome.reasons.join('; '));
        this.#set(family, undefined);
        return;
      // What it has goes on.
      case 'unavailable':
        this.#say(family, outcome.detail);
        return;
    }
  }

  #set(family: AddressFamily, address: IpAddress | undefined): void {
    if (this.#addresses[family] === address) return;
    this.#addresses = { ...this.#addresses, [family]: address };
    this.#options.assigned(this.#addresses);
  }

  #say(family: AddressFamily, problem: string | undefined): void {
    if (this.#problems.get(family) === problem) return;
    if (problem === undefined) this.#problems.delete(family);
    else this.#problems.set(family, problem);
    this.#options.changed();
  }
}
