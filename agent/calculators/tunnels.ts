/**
 * Which tunnels this host should receive, what it must know of the other hosts for sending, and what it says of itself (pure).
 *
 * A tunnel is wanted while a pool's mode asks for it, and after that as long as any host of the cluster still sends by it: hosts learn of a
 * change at different times, and what one still sends another must still receive. What this host receives stands in its NodeStatus, its
 * address inside the tunnels and the MAC of its VXLAN device in its Node.
 */
import type { AddressFamily, IpAddress, Ipv4Address, Ipv6Address, PerFamily } from '../../core/ip-address.js';
import {
  comparePrefixes,
  hostPrefix,
  type Prefix,
  prefixAddress,
  prefixContainsAddress,
  prefixFamily,
} from '../../core/prefix.js';
import { udpModeOf } from '../../core/resources/annotations.js';
import type {
  IPPoolResource,
  NodeResource,
  NodeStatusResource,
  Resource,
  TunnelReception,
} from '../../core/resources/resource.js';
import { type TunnelKind, tunnelKinds } from '../../ipip/desired.js';
import {
  modeOf,
  type PoolModes,
  type Reception,
  type RemoteHost,
  underlayFamily,
} from '../../ipip/encapsulation.js';
import type { TunnelIntent } from '../../ipip/tunnel-intent.js';
import { DEFAULT_UDP_PORT } from '../../ipip/udp/state.js';
import { afterChange, type ResourceChange, sameValue } from './calculator.js';
import { type Condition, condition } from './condition.js';
import type { FelixSettings } from './felix-settings.js';
import { nodeAddress } from './node-view.js';
import { firstFreeAddress, vtepMacOf } from './tunnel-identity.js';

/** This host's ends of tunnels as its kernel has them. */
export interface OwnReception {
  readonly receives: ReadonlyMap<TunnelKind, Reception>;
  /** Tunnels that its routes lead into. */
  readonly sends: readonly TunnelKind[];
}

/** What only the owner of this host's blocks and workloads knows. */
export interface OwnAddresses {
  /** Confirmed, in order. */
  readonly blocks: readonly Prefix[];
  readonly workloads: ReadonlyMap<Prefix, string>;
}

/** What an own Node document should hold beside its address; undefined: what its author wrote, or nothing. */
export interface TunnelIdentity {
  readonly ipipAddress: Ipv4Address | undefined;
  readonly vxlanAddress: Ipv4Address | undefined;
  readonly vtepMac: string | undefined;
  readonly vxlanIpv6Address: Ipv6Address | undefined;
  readonly vtepIpv6Mac: string | undefined;
}

export class TunnelsCalculator {
  readonly #nodeName: string;
  readonly #nodes = new Map<string, NodeResource>();
  readonly #statuses = new Map<string, NodeStatusResource>();
  readonly #pools = new Map<string, IPPoolResource>();
  #own: OwnReception = { receives: new Map(), sends: [] };
  #assigned: PerFamily<IpAddress> | undefined;
  #lingering: ReadonlySet<TunnelKind> = new Set();
  #mayRemove = false;

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (id.kind === 'Node') keep(this.#nodes, id.name, resource, 'Node');
    else if (id.kind === 'NodeStatus') keep(this.#statuses, id.name, resource, 'NodeStatus');
    else if (id.kind === 'IPPool') keep(this.#pools, id.name, resource, 'IPPool');
  }

  setOwn(own: OwnReception): void {
    this.#own = own;
  }

  /**
   * This host's addresses inside its tunnels, by address management. Without it an address that is free in an own block serves; false if
   * they are what they were.
   */
  setAssigned(assigned: PerFamily<IpAddress>): boolean {
    if (sameValue(assigned, this.#assigned)) return false;
    this.#assigned = assigned;
    return true;
  }

  /** Families that tunnels are wanted of, and this host can have. */
  addressedFamilies(): readonly AddressFamily[] {
    const node = this.#nodes.get(this.#nodeName);
    const families = new Set([...this.wanted()].map(underlayFamily));
    return [...families].filter(family => nodeAddress(node, family) !== undefined);
  }

  /** Tunnels that stay open although nobody wants them any more, and whether the devices of all others may go. */
  setLingering(tunnels: ReadonlySet<TunnelKind>, mayRemove: boolean): void {
    this.#lingering = tunnels;
    this.#mayRemove = mayRemove;
  }

  pools(): readonly PoolModes[] {
    return [...this.#pools.values()].map(pool => ({
      cidr: pool.spec.cidr,
      ipipMode: pool.spec.ipipMode,
      vxlanMode: pool.spec.vxlanMode,
      udpMode: udpModeOf(pool),
    }));
  }

  /** By pools, or because a host sends by it. */
  wanted(): ReadonlySet<TunnelKind> {
    const pools = this.pools();
    const sent = new Set(this.#own.sends);
    for (const { metadata, spec } of this.#statuses.values()) {
      if (this.#nodes.has(metadata.name)) for (const tunnel of spec.sends) sent.add(tunnel);
    }
    return new Set(
      tunnelKinds.filter(kind => sent.has(kind) || pools.some(pool => modeOf(pool, kind) !== 'Never')),
    );
  }

  intent(felix: FelixSettings, own: OwnAddresses): TunnelIntent | undefined {
    const node = this.#nodes.get(this.#nodeName);
    const local = nodeAddress(node)?.address;
    const ipv6 = nodeAddress(node, 'ipv6')?.address;
    if (local === undefined && ipv6 === undefined) return undefined;
    const wanted = this.wanted();
    const isOpen = (kind: TunnelKind) => wanted.has(kind) || this.#lingering.has(kind);
    const { ipipMtu, vxlanMtu, vxlanMtuV6, vxlanPort, vxlanVni } = felix;
    const vxlan = { vni: vxlanVni, port: vxlanPort };
    const mac = (family: AddressFamily) => this.#macOf(node, family);
    const needsIpv4 = (kind: TunnelKind) => isOpen(kind) && local !== undefined;
    return {
      local: local as Ipv4Address | undefined,
      address: this.#addressOf(node, own, 'ipv4') as Ipv4Address | undefined,
      ipip: needsIpv4('ipip') ? { mtu: ipipMtu } : undefined,
      vxlan: needsIpv4('vxlan') ? { ...vxlan, mac: mac('ipv4'), mtu: vxlanMtu } : undefined,
      'vxlan-v6':
        isOpen('vxlan-v6') && ipv6 !== undefined
          ? {
              ...vxlan,
              mac: mac('ipv6'),
              mtu: vxlanMtuV6,
              local: ipv6 as Ipv6Address,
              address: this.#addressOf(node, own, 'ipv6') as Ipv6Address | undefined,
            }
          : undefined,
      udp: needsIpv4('udp') ? { port: DEFAULT_UDP_PORT, mtu: undefined } : undefined,
      mayRemove: this.#mayRemove,
    };
  }

  /** A host's address inside its tunnels, by its Node. */
  addressOf(nodeName: string, family: AddressFamily = 'ipv4'): IpAddress | undefined {
    return writtenAddress(this.#nodes.get(nodeName), family);
  }

  /** The other hosts, in order of their names; one of each family that it has an address of, IPv4 first. */
  remoteHosts(): readonly RemoteHost[] {
    const names = [...this.#nodes.keys()].filter(name => name !== this.#nodeName).sort();
    const holders = { ipv4: this.#holdersOfMacs('ipv4'), ipv6: this.#holdersOfMacs('ipv6') };
    return names.flatMap(name =>
      (['ipv4', 'ipv6'] as const).flatMap(family => this.#remoteHost(name, family, holders[family]) ?? []),
    );
  }

  #remoteHost(
    name: string,
    family: AddressFamily,
    holders: ReadonlyMap<string, readonly string[]>,
  ): RemoteHost | undefined {
    const node = this.#nodes.get(name);
    const address = nodeAddress(node, family)?.address;
    if (address === undefined) return undefined;
    const vtepMac = macIn(node, family) ?? '';
    const said = receptions(this.#statuses.get(name));
    const holder = this.#otherHolder(name, holders.get(vtepMac) ?? []);
    const receives = holder === undefined ? said : withoutVxlan(said, holder, vtepMac, family);
    return { name, address, receives, vtepMac };
  }

  #holdersOfMacs(family: AddressFamily): ReadonlyMap<string, readonly string[]> {
    return holdersOfMacs(this.#nodes.values(), family);
  }

  #addressOf(
    node: NodeResource | undefined,
    own: OwnAddresses,
    family: AddressFamily,
  ): IpAddress | undefined {
    const assigned = this.#assigned;
    if (assigned === undefined) return tunnelAddress(node, own, family);
    return assigned[family] ?? keptAddress(node, own, family);
  }

  /** What the Node has, or what this host would write there. */
  #macOf(node: NodeResource | undefined, family: AddressFamily): string {
    return macIn(node, family) ?? vtepMacOf(family === 'ipv4' ? this.#nodeName : `${this.#nodeName}/ipv6`);
  }

  /** What this host's own Node should say: only of tunnels that are wanted, and what its author wrote stays. @param node as it is */
  identity(own: OwnAddresses, node: NodeResource | undefined): TunnelIdentity {
    const wanted = this.wanted();
    const address = this.#addressOf(node, own, 'ipv4') as Ipv4Address | undefined;
    const ipv6 = wanted.has('vxlan-v6') && nodeAddress(node, 'ipv6') !== undefined;
    return {
      // UDP has no field of its own in Calico's Node.
      ipipAddress: wanted.has('ipip') || wanted.has('udp') ? address : undefined,
      vxlanAddress: wanted.has('vxlan') ? address : undefined,
      vtepMac: wanted.has('vxlan') ? this.#macOf(node, 'ipv4') : undefined,
      vxlanIpv6Address: ipv6 ? (this.#addressOf(node, own, 'ipv6') as Ipv6Address | undefined) : undefined,
      vtepIpv6Mac: ipv6 ? this.#macOf(node, 'ipv6') : undefined,
    };
  }

  /** What this host's own NodeStatus should say. */
  status(version: string): NodeStatusResource['spec'] {
    const wanted = this.wanted();
    const receives = tunnelKinds.flatMap((tunnel): TunnelReception[] => {
      const reception = this.#own.receives.get(tunnel);
      if (reception === undefined || !wanted.has(tunnel)) return [];
      if (reception.kind === 'ready') return [{ tunnel, state: 'Ready' }];
      return [{ tunnel, state: 'Unavailable', reason: reception.reason }];
    });
    return { version, receives, sends: [...this.#own.sends] };
  }

  conditions(own: OwnAddresses): readonly Condition[] {
    return [
      ...macCollisions(this.#holdersOfMacs('ipv4'), 'vxlanTunnelMACAddr'),
      ...macCollisions(this.#holdersOfMacs('ipv6'), 'vxlanTunnelMACAddrV6'),
      ...this.#addressConditions(own, 'ipv4'),
      ...this.#addressConditions(own, 'ipv6'),
      ...this.#withoutIpv6(),
    ];
  }

  /** Who gets what is sent to a MAC that several hosts have: this host itself, else the first one. Undefined: the named one. */
  #otherHolder(name: string, names: readonly string[]): string | undefined {
    const holder = names.includes(this.#nodeName) ? this.#nodeName : names[0];
    return holder === name ? undefined : holder;
  }

  /** Its packets need an IPv6 address to come from. */
  #withoutIpv6(): Condition[] {
    const node = this.#nodes.get(this.#nodeName);
    if (!this.wanted().has('vxlan-v6') || nodeAddress(node, 'ipv6') !== undefined) return [];
    const object = `Node/${this.#nodeName}`;
    const message = `an IPv6 pool wants VXLAN, and ${object} has no spec.bgp.ipv6Address: set ipv6.address of this host's agent.yaml`;
    return [condition('error', 'no-ipv6-address', [object], message)];
  }

  #addressConditions(own: OwnAddresses, family: AddressFamily): Condition[] {
    if (![...this.wanted()].some(kind => underlayFamily(kind) === family)) return [];
    const address = this.#addressOf(this.#nodes.get(this.#nodeName), own, family);
    const user = address === undefined ? undefined : own.workloads.get(hostPrefix(address));
    if (user === undefined) return [];
    return [
      condition(
        'error',
        'tunnel-address-in-use',
        [`Node/${this.#nodeName}`],
        `${address} is this host's address inside its tunnels, and a workload on ${user} has it, too: give the workload another`,
      ),
    ];
  }
}

function keep<R extends Resource>(
  map: Map<string, R>,
  name: string,
  resource: Resource | undefined,
  kind: R['kind'],
): void {
  if (resource?.kind === kind) map.set(name, resource as R);
  else map.delete(name);
}

function receptions(status: NodeStatusResource | undefined): RemoteHost['receives'] {
  if (status === undefined) return undefined;
  const receives: Partial<Record<TunnelKind, Reception>> = {};
  for (const { tunnel, state, reason = '' } of status.spec.receives) {
    receives[tunnel] = state === 'Ready' ? { kind: 'ready' } : { kind: 'unavailable', reason };
  }
  return receives;
}

/** The one that its Node has as long as it is out of a block of this host. */
function keptAddress(
  node: NodeResource | undefined,
  own: OwnAddresses,
  family: AddressFamily,
): IpAddress | undefined {
  const written = writtenAddress(node, family);
  if (written === undefined) return undefined;
  return own.blocks.some(block => prefixContainsAddress(block, written)) ? written : undefined;
}

/** That, else the first that is free. */
function tunnelAddress(
  node: NodeResource | undefined,
  own: OwnAddresses,
  family: AddressFamily,
): IpAddress | undefined {
  const kept = keptAddress(node, own, family);
  if (kept !== undefined) return kept;
  const used = new Set([...own.workloads.keys()].map(prefixAddress));
  for (const block of own.blocks.filter(each => prefixFamily(each) === family).toSorted(comparePrefixes)) {
    const free = firstFreeAddress(block, used);
    if (free !== undefined) return free;
  }
  return undefined;
}

function writtenAddress(node: NodeResource | undefined, family: AddressFamily): IpAddress | undefined {
  const spec = node?.spec;
  if (family === 'ipv6') return spec?.ipv6VXLANTunnelAddr;
  return spec?.bgp?.ipv4IPIPTunnelAddr ?? spec?.ipv4VXLANTunnelAddr;
}

function macIn(node: NodeResource | undefined, family: AddressFamily): string | undefined {
  return family === 'ipv4' ? node?.spec.vxlanTunnelMACAddr : node?.spec.vxlanTunnelMACAddrV6;
}

/** By MAC, in order of their names. */
function holdersOfMacs(
  nodes: Iterable<NodeResource>,
  family: AddressFamily,
): ReadonlyMap<string, readonly string[]> {
  const byMac = new Map<string, string[]>();
  for (const node of nodes) {
    const mac = macIn(node, family);
    if (mac === undefined) continue;
    const names = byMac.get(mac);
    if (names === undefined) byMac.set(mac, [node.metadata.name]);
    else names.push(node.metadata.name);
  }
  for (const names of byMac.values()) names.sort();
  return byMac;
}

/** Sent to its MAC, packets would arrive at another host, or nowhere. */
function withoutVxlan(
  receives: RemoteHost['receives'],
  holder: string,
  mac: string,
  family: AddressFamily,
): RemoteHost['receives'] {
  const [kind, field] =
    family === 'ipv4'
      ? (['vxlan', 'vxlanTunnelMACAddr'] as const)
      : (['vxlan-v6', 'vxlanTunnelMACAddrV6'] as const);
  if (receives?.[kind]?.kind !== 'ready') return receives;
  return { ...receives, [kind]: { kind: 'unavailable', reason: `${holder} has the same ${field} ${mac}` } };
}

function macCollisions(holders: ReadonlyMap<string, readonly string[]>, field: string): Condition[] {
  return [...holders]
    .filter(([, names]) => names.length > 1)
    .map(([mac, names]) => {
      const [first, ...others] = names;
      return condition(
        'error',
        'vtep-mac-collision',
        names.map(name => `Node/${name}`),
        `${names.join(' and ')} have the same ${field} ${mac}: VXLAN reaches ${first} only; remove the field from ${others.join(', ')}, whose agent writes another`,
      );
    });
}
