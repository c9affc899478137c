/**
 * Which tunnels this host should receive, what it must know of the other hosts for sending, and what it says of itself (pure).
 *
 * A tunnel is wanted while a pool's mode asks for it, and after that as long as any host of the cluster still sends by it: hosts learn of a
 * change at different times, and what one still sends another must still receive. What this host receives stands in its NodeStatus, its
 * address inside the tunnels and the MAC of its VXLAN device in its Node.
 */
import type { IpAddress, Ipv4Address } from '../../core/ip-address.js';
import {
  ipv4PrefixToNumber,
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
import { modeOf, type PoolModes, type Reception, type RemoteHost } from '../../ipip/encapsulation.js';
import type { TunnelIntent } from '../../ipip/tunnel-intent.js';
import { DEFAULT_UDP_PORT } from '../../ipip/udp/state.js';
import { afterChange, type ResourceChange } from './calculator.js';
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
}

export class TunnelsCalculator {
  readonly #nodeName: string;
  readonly #nodes = new Map<string, NodeResource>();
  readonly #statuses = new Map<string, NodeStatusResource>();
  readonly #pools = new Map<string, IPPoolResource>();
  #own: OwnReception = { receives: new Map(), sends: [] };
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

  /** Tunnels that stay open although nobody wants them any more, and whether the devices of all others may go. */
  setLingering(tunnels: ReadonlySet<TunnelKind>, mayRemove: boolean): void {
    this.#lingering = tunnels;
    this.#mayRemove = mayRemove;
  }

  pools(): readonly PoolModes[] {
    return [...this.#pools.values()].map(pool => ({
      cidr: pool.spec.cidr,
      ipipMode: pool.spec.ipipMode,
      // Tunnels carry IPv4 in this version.
      vxlanMode: isIpv6(pool) ? 'Never' : pool.spec.vxlanMode,
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
    if (local === undefined) return undefined;
    const wanted = this.wanted();
    const isOpen = (kind: TunnelKind) => wanted.has(kind) || this.#lingering.has(kind);
    const { ipipMtu, vxlanMtu, vxlanPort, vxlanVni } = felix;
    const mac = node?.spec.vxlanTunnelMACAddr ?? vtepMacOf(this.#nodeName);
    return {
      local: local as Ipv4Address,
      address: tunnelAddress(node, own),
      ipip: isOpen('ipip') ? { mtu: ipipMtu } : undefined,
      vxlan: isOpen('vxlan') ? { vni: vxlanVni, port: vxlanPort, mac, mtu: vxlanMtu } : undefined,
      udp: isOpen('udp') ? { port: DEFAULT_UDP_PORT, mtu: undefined } : undefined,
      mayRemove: this.#mayRemove,
    };
  }

  /** A host's address inside its tunnels, by its Node. */
  addressOf(nodeName: string): Ipv4Address | undefined {
    const spec = this.#nodes.get(nodeName)?.spec;
    return spec?.bgp?.ipv4IPIPTunnelAddr ?? spec?.ipv4VXLANTunnelAddr;
  }

  /** The other hosts, in order of their names. */
  remoteHosts(): readonly RemoteHost[] {
    const hosts: RemoteHost[] = [];
    const holders = holdersOfMacs(this.#nodes.values());
    for (const [name, node] of this.#nodes) {
      const address = name === this.#nodeName ? undefined : nodeAddress(node)?.address;
      if (address === undefined) continue;
      const vtepMac = node.spec.vxlanTunnelMACAddr ?? '';
      const said = receptions(this.#statuses.get(name));
      const holder = this.#otherHolder(name, holders.get(vtepMac) ?? []);
      const receives = holder === undefined ? said : withoutVxlan(said, holder, vtepMac);
      hosts.push({ name, address, receives, vtepMac });
    }
    return hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What this host's own Node should say: only of tunnels that are wanted, and what its author wrote stays. @param node as it is */
  identity(own: OwnAddresses, node: NodeResource | undefined): TunnelIdentity {
    const wanted = this.wanted();
    const address = tunnelAddress(node, own);
    return {
      // UDP has no field of its own in Calico's Node.
      ipipAddress: wanted.has('ipip') || wanted.has('udp') ? address : undefined,
      vxlanAddress: wanted.has('vxlan') ? address : undefined,
      vtepMac: wanted.has('vxlan') ? (node?.spec.vxlanTunnelMACAddr ?? vtepMacOf(this.#nodeName)) : undefined,
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
      ...macCollisions(this.#nodes.values()),
      ...this.#addressConditions(own),
      ...plainIpv6Pools(this.#pools.values()),
    ];
  }

  /** Who gets what is sent to a MAC that several hosts have: this host itself, else the first one. Undefined: the named one. */
  #otherHolder(name: string, names: readonly string[]): string | undefined {
    const holder = names.includes(this.#nodeName) ? this.#nodeName : names[0];
    return holder === name ? undefined : holder;
  }

  #addressConditions(own: OwnAddresses): Condition[] {
    if (this.wanted().size === 0) return [];
    const address = tunnelAddress(this.#nodes.get(this.#nodeName), own);
    const user = address === undefined ? undefined : own.workloads.get(`${address}/32` as Prefix);
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

/** The one that its Node has as long as it is out of a block of this host, else the first that is free. */
function tunnelAddress(node: NodeResource | undefined, own: OwnAddresses): Ipv4Address | undefined {
  const blocks = own.blocks
    .filter(block => prefixFamily(block) === 'ipv4')
    .toSorted((a, b) => ipv4PrefixToNumber(a) - ipv4PrefixToNumber(b));
  const written = node?.spec.bgp?.ipv4IPIPTunnelAddr ?? node?.spec.ipv4VXLANTunnelAddr;
  const isOurs = (address: IpAddress) => blocks.some(block => prefixContainsAddress(block, address));
  if (written !== undefined && isOurs(written)) return written;
  const used = new Set([...own.workloads.keys()].map(prefixAddress));
  for (const block of blocks) {
    const free = firstFreeAddress(block, used);
    if (free !== undefined) return free;
  }
  return undefined;
}

function isIpv6(pool: IPPoolResource): boolean {
  return prefixFamily(pool.spec.cidr) === 'ipv6';
}

function plainIpv6Pools(pools: Iterable<IPPoolResource>): Condition[] {
  return [...pools]
    .filter(pool => isIpv6(pool) && pool.spec.vxlanMode !== 'Never')
    .map(({ metadata, spec }) => {
      const object = `IPPool/${metadata.name}`;
      const message = `${object} has vxlanMode ${spec.vxlanMode}: this version tunnels IPv4 only, ${spec.cidr} is routed plainly`;
      return condition('warning', 'ipv6-tunnel', [object], message);
    });
}

/** By MAC, in order of their names. */
function holdersOfMacs(nodes: Iterable<NodeResource>): ReadonlyMap<string, readonly string[]> {
  const byMac = new Map<string, string[]>();
  for (const { metadata, spec } of nodes) {
    const mac = spec.vxlanTunnelMACAddr;
    if (mac === undefined) continue;
    const names = byMac.get(mac);
    if (names === undefined) byMac.set(mac, [metadata.name]);
    else names.push(metadata.name);
  }
  for (const names of byMac.values()) names.sort();
  return byMac;
}

/** Sent to its MAC, packets would arrive at another host, or nowhere. */
function withoutVxlan(receives: RemoteHost['receives'], holder: string, mac: string): RemoteHost['receives'] {
  if (receives?.vxlan?.kind !== 'ready') return receives;
  return {
    ...receives,
    vxlan: { kind: 'unavailable', reason: `${holder} has the same vxlanTunnelMACAddr ${mac}` },
  };
}

function macCollisions(nodes: Iterable<NodeResource>): Condition[] {
  return [...holdersOfMacs(nodes)]
    .filter(([, names]) => names.length > 1)
    .map(([mac, names]) => {
      const [first, ...others] = names;
      return condition(
        'error',
        'vtep-mac-collision',
        names.map(name => `Node/${name}`),
        `${names.join(' and ')} have the same vxlanTunnelMACAddr ${mac}: VXLAN reaches ${first} only; remove the field from ${others.join(', ')}, whose agent writes another`,
      );
    });
}
