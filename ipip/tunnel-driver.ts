/**
 * SHELL: makes the devices of this host's tunnels what the intent says, and says of each whether it is open. Driven by the dataplane: it
 * is shown what was just read of the kernel, takes the next steps, and asks to be shown again until there are none.
 *
 * What is open is looked at from the kernel's answer, not from what was asked for; so a device that somebody breaks is closed until it is
 * repaired, and one that was left by an earlier process is open without a single write.
 */
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { FdbEntry } from '../linux/netlink/bridge-fdb.js';
import type { KernelRefusal } from '../linux/netlink/connection.js';
import type { Link, LinkChange, NewLink } from '../linux/netlink/link.js';
import type { Neighbour } from '../linux/netlink/neighbour.js';
import { type TunnelKind, tunnelKinds, tunnelWords } from './desired.js';
import {
  isVxlan,
  type OwnTunnels,
  type RemoteHost,
  type TunnelState,
  underlayFamily,
} from './encapsulation.js';
import type { KernelFacts } from './kernel-facts.js';
import {
  type DesiredDevice,
  type DevicePlan,
  desiredDevice,
  deviceNames,
  fragmentationWarning,
  localAddress,
  ownDevice,
  planDevice,
  underlayOf,
  underlaysOf,
} from './tunnel-devices.js';
import type { TunnelIntent } from './tunnel-intent.js';
import { isEmptyVtepPlan, planVtepPeers, type VtepPlan } from './vtep-peers.js';

type Refusals = Promise<ReadonlyMap<number, KernelRefusal>>;

/** The kernel as this driver needs it; `Rtnetlink` is one. Refusals are told by place. */
export interface TunnelKernel {
  createLinks(links: readonly NewLink[]): Refusals;
  changeLinks(changes: readonly LinkChange[]): Refusals;
  deleteLinks(ifindexes: readonly number[]): Refusals;
  addAddresses(entries: readonly InterfaceAddress[]): Refusals;
  deleteAddresses(entries: readonly InterfaceAddress[]): Refusals;
  addNeighbours(entries: readonly Neighbour[]): Refusals;
  deleteNeighbours(entries: readonly Neighbour[]): Refusals;
  addFdbEntries(entries: readonly FdbEntry[]): Refusals;
  deleteFdbEntries(entries: readonly FdbEntry[]): Refusals;
}

/** What a tunnel needs of its host besides devices. */
export interface TunnelHost {
  /**
   * Packets of one flow may come in by the underlay and go out by a tunnel: reverse-path filtering must be loose (RFC 3704 2.4) on both.
   * What stands in the way, in words, or undefined.
   */
  looseReversePath(interfaceNames: readonly string[]): string | undefined;
  /** Makes a VXLAN device compute checksums where it is told to; what went wrong, in words, or undefined. */
  settleChecksums(interfaceName: string): string | undefined;
  /** Whether packets of strangers are kept from it: no device is made before, and none that cannot be guarded. */
  guardOf(kind: TunnelKind): 'in-place' | 'pending' | { readonly refused: string };
}

export interface TunnelDriverOptions {
  readonly kernel: TunnelKernel;
  readonly host: TunnelHost;
  readonly describeRefusal: (refusal: KernelRefusal) => string;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

/** One tunnel, for `status`. */
export interface TunnelView {
  readonly tunnel: TunnelKind;
  readonly state: 'open' | 'unavailable';
  readonly device: string;
  readonly mtu: number;
  /** Why it is unavailable, or what one should know; "" for nothing. */
  readonly detail: string;
}

const EBUSY = 16;
const EOPNOTSUPP = 95;
/** An address that is gone already. */
const EADDRNOTAVAIL = 99;

export class TunnelDriver {
  readonly #options: TunnelDriverOptions;
  readonly #states = new Map<TunnelKind, TunnelState>();
  readonly #warnings = new Map<TunnelKind, string>();
  readonly #said = new Map<TunnelKind, string>();
  #underlayMtu: number | undefined;

  constructor(options: TunnelDriverOptions) {
    this.#options = options;
  }

  /** The MTU of what tunnels go over; undefined: not known, or no interface has the node's address. */
  get underlayMtu(): number | undefined {
    return this.#underlayMtu;
  }

  /** As of the last {@link step}. */
  get states(): OwnTunnels {
    return this.#states;
  }

  views(): readonly TunnelView[] {
    return [...this.#states].map(([tunnel, state]) => ({
      tunnel,
      state: state.kind,
      device: deviceNames[tunnel],
      mtu: state.kind === 'open' ? state.mtu : 0,
      detail: state.kind === 'open' ? (this.#warnings.get(tunnel) ?? '') : state.reason,
    }));
  }

  /**
   * The next steps towards the intent. True if the kernel was written to, so that the facts are old: read them and call again.
   *
   * @param hosts in order of their names
   * @throws if the socket fails
   */
  async step(
    intent: TunnelIntent | undefined,
    hosts: readonly RemoteHost[],
    facts: KernelFacts,
  ): Promise<boolean> {
    if (intent === undefined) return false;
    this.#underlayMtu = underlayOf(intent.local, facts)?.mtu;
    let wrote = false;
    for (const kind of tunnelKinds) wrote = (await this.#stepOne(kind, intent, hosts, facts)) || wrote;
    return wrote;
  }

  async #stepOne(
    kind: TunnelKind,
    intent: TunnelIntent,
    hosts: readonly RemoteHost[],
    facts: KernelFacts,
  ): Promise<boolean> {
    const family = underlayFamily(kind);
    const underlays = underlaysOf(localAddress(intent, family), facts);
    const underlay = underlays[0];
    const desired = desiredDevice(kind, intent, underlay?.mtu ?? 0);
    if (desired === undefined) return this.#remove(kind, intent.mayRemove, facts);
    if (underlay === undefined) {
      return this.#unavailable(
        kind,
        `no interface of this host has the node's address ${localAddress(intent, family)}`,
      );
    }
    const warning = fragmentationWarning(kind, explicitMtu(kind, intent), underlay);
    if (warning === undefined) this.#warnings.delete(kind);
    else this.#warnings.set(kind, warning);
    const plan = planDevice(desired, facts);
    switch (plan.kind) {
      case 'refused':
        return this.#unavailable(kind, plan.reason);
      case 'create': {
        const guard = this.#options.host.guardOf(kind);
        if (guard === 'pending') {
          this.#states.delete(kind);
          return false;
        }
        return guard === 'in-place' ? this.#create(desired, plan) : this.#unavailable(kind, guard.refused);
      }
      case 'repair':
        return this.#repair(kind, plan);
      case 'as-it-should-be':
        return this.#settle(kind, plan, underlays, hosts, facts);
    }
  }

  async #create({ kind }: DesiredDevice, plan: DevicePlan & { kind: 'create' }): Promise<boolean> {
    const { kernel, log } = this.#options;
    if (plan.instead !== undefined) await kernel.deleteLinks([plan.instead.ifindex]);
    const refusal = (await kernel.createLinks([plan.link])).get(0);
    if (refusal === undefined) {
      log('info', `${tunnelWords[kind]} device made`, plan.link.name);
      return true;
    }
    this.#unavailable(kind, this.#cannotCreate(kind, refusal));
    return plan.instead !== undefined;
  }

  #cannotCreate(kind: TunnelKind, refusal: KernelRefusal): string {
    if (refusal.errno !== EOPNOTSUPP) {
      return `the kernel refuses to make ${deviceNames[kind]}: ${this.#options.describeRefusal(refusal)}`;
    }
    const module = isVxlan(kind) ? 'vxlan' : kind;
    return `this kernel has no ${module}: "modprobe ${module}" loads it where it is a module; on Ubuntu's cloud kernels it is in linux-modules-extra`;
  }

  async #repair(kind: TunnelKind, plan: DevicePlan & { kind: 'repair' }): Promise<boolean> {
    const { kernel, log, describeRefusal } = this.#options;
    const { link, change, addAddresses, deleteAddresses } = plan;
    const refusals = [
      ...(await kernel.deleteAddresses(deleteAddresses)).values(),
      ...(await kernel.addAddresses(addAddresses)).values(),
    ];
    const refusal = change === undefined ? undefined : (await kernel.changeLinks([change])).get(0);
    if (refusal?.errno === EBUSY && change?.name !== undefined && link.up) {
      // Kernels before 6.3 rename only what is down.
      await kernel.changeLinks([{ ifindex: link.ifindex, up: false }]);
      return true;
    }
    const failed = refusal ?? refusals.find(({ errno }) => errno !== EADDRNOTAVAIL);
    if (failed !== undefined) {
      return this.#unavailable(kind, `the kernel refuses to repair ${link.name}: ${describeRefusal(failed)}`);
    }
    log('info', `${tunnelWords[kind]} device set right`, describeRepair(plan));
    return true;
  }

  async #settle(
    kind: TunnelKind,
    { link }: DevicePlan & { kind: 'as-it-should-be' },
    underlays: readonly Link[],
    hosts: readonly RemoteHost[],
    facts: KernelFacts,
  ): Promise<boolean> {
    const { host } = this.#options;
    // IPv6 has no filter of its own: what the packet filter does is its administrator's.
    const names = underlayFamily(kind) === 'ipv4' ? [...underlays.map(({ name }) => name), link.name] : [];
    const problem = names.length === 0 ? undefined : host.looseReversePath(names);
    if (problem !== undefined) return this.#unavailable(kind, problem);
    if (isVxlan(kind)) {
      const checksums = host.settleChecksums(link.name);
      if (checksums !== undefined) this.#warnings.set(kind, checksums);
      const peers = planVtepPeers(link.ifindex, hosts, facts, underlayFamily(kind));
      await this.#writePeers(link.name, peers);
    }
    this.#states.set(kind, { kind: 'open', ifindex: link.ifindex, mtu: link.mtu });
    this.#said.delete(kind);
    return false;
  }

  /** Nothing else depends on what these tables were read as, so they need not be read again. */
  async #writePeers(device: string, plan: VtepPlan): Promise<void> {
    if (isEmptyVtepPlan(plan)) return;
    const { kernel, log, describeRefusal } = this.#options;
    // A MAC that has moved to another address must leave the old one first.
    await kernel.deleteFdbEntries(plan.deleteFdb);
    await kernel.deleteNeighbours(plan.deleteNeighbours);
    const fdb = await kernel.addFdbEntries(plan.addFdb);
    const neighbours = await kernel.addNeighbours(plan.addNeighbours);
    for (const refusal of [...fdb.values(), ...neighbours.values()]) {
      log('warn', `a host of ${device} cannot be written`, describeRefusal(refusal));
    }
  }

  /** Nobody wants it any more: its device goes, and what another program has made stays. */
  async #remove(kind: TunnelKind, mayRemove: boolean, facts: KernelFacts): Promise<boolean> {
    this.#states.delete(kind);
    this.#warnings.delete(kind);
    const own = ownDevice(kind, facts.links);
    if (own === undefined || !mayRemove) return false;
    const refusal = (await this.#options.kernel.deleteLinks([own.ifindex])).get(0);
    if (refusal !== undefined) return false;
    this.#options.log('info', `${tunnelWords[kind]} device removed`, own.name);
    return true;
  }

  /** Said once. */
  #unavailable(kind: TunnelKind, reason: string): false {
    this.#states.set(kind, { kind: 'unavailable', reason });
    if (this.#said.get(kind) !== reason) {
      this.#said.set(kind, reason);
      this.#options.log('warn', `${tunnelWords[kind]} is unavailable`, reason);
    }
    return false;
  }
}

function explicitMtu(kind: TunnelKind, intent: TunnelIntent): number | undefined {
  return intent[kind]?.mtu;
}

function describeRepair({
  link,
  change,
  addAddresses,
  deleteAddresses,
}: DevicePlan & { kind: 'repair' }): string {
  const { ifindex: _, tunnel, ...fields } = change ?? { ifindex: 0 };
  const words = Object.entries(fields).map(([field, value]) => `${field} ${value}`);
  if (tunnel !== undefined) words.push('parameters');
  for (const { address } of addAddresses) words.push(`+${address}`);
  for (const { address } of deleteAddresses) words.push(`-${address}`);
  return `${link.name}: ${words.join(', ')}`;
}
