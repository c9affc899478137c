/** Which hosts receive what a pool's packets are sent by, from what each says in its NodeStatus. Pure. */
import { prefixFamily } from '../../core/prefix.js';
import { udpModeOf } from '../../core/resources/annotations.js';
import type { IPPoolResource, Resource, TunnelName, TunnelReception } from '../../core/resources/resource.js';
import { type Row, renderTable } from './table.js';

export interface HostReport {
  readonly name: string;
  /** Undefined: it has not reported. */
  readonly receives: readonly TunnelReception[] | undefined;
}

type Reception =
  | { readonly kind: 'ready' }
  | { readonly kind: 'cannot'; readonly reason: string }
  /** It has not reported, or not of this tunnel. */
  | { readonly kind: 'unknown' };

const words: Readonly<Record<TunnelName, string>> = {
  ipip: 'IPIP',
  vxlan: 'VXLAN',
  'vxlan-v6': 'VXLAN over IPv6',
  udp: 'UDP',
};

/** Of more hosts than these the others are counted. */
const MOST_NAMES = 8;

/** In the order of their names. @param resources the Nodes and the NodeStatuses */
export function hostReports(resources: readonly Resource[]): readonly HostReport[] {
  const reports = new Map<string, readonly TunnelReception[]>();
  for (const resource of resources) {
    if (resource.kind === 'NodeStatus') reports.set(resource.metadata.name, resource.spec.receives);
  }
  return resources
    .flatMap(({ kind, metadata: { name } }) =>
      kind === 'Node' ? [{ name, receives: reports.get(name) }] : [],
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the pool's packets are sent by, everywhere or across subnets; undefined: plainly. */
export function tunnelOf(pool: IPPoolResource): TunnelName | undefined {
  if (prefixFamily(pool.spec.cidr) === 'ipv6')
    return pool.spec.vxlanMode === 'Never' ? undefined : 'vxlan-v6';
  const modes = { ipip: pool.spec.ipipMode, vxlan: pool.spec.vxlanMode, udp: udpModeOf(pool) };
  return (['ipip', 'vxlan', 'udp'] as const).find(tunnel => modes[tunnel] !== 'Never');
}

/** In a cell: "all 5 hosts ready", "2 of 5 hosts cannot: c, d (this kernel has no ipip); 1 of 5 hosts not reported: e". */
export function whoReceives(tunnel: TunnelName | undefined, hosts: readonly HostReport[]): string {
  if (tunnel === undefined) return '';
  const byReason = new Map<string, string[]>();
  const unknown: string[] = [];
  for (const host of hosts) {
    const reception = receptionOf(host, tunnel);
    if (reception.kind === 'unknown') unknown.push(host.name);
    if (reception.kind !== 'cannot') continue;
    // What follows a colon is the cure.
    const reason = reception.reason.split(': ')[0] as string;
    byReason.set(reason, [...(byReason.get(reason) ?? []), host.name]);
  }
  const cannot = [...byReason.values()].flat().length;
  const groups = [...byReason].map(([reason, names]) => `${listNames(names)} (${reason})`);
  const parts = [
    ...(cannot === 0 ? [] : [`${cannot} of ${hosts.length} hosts cannot: ${groups.join(', ')}`]),
    ...(unknown.length === 0
      ? []
      : [`${unknown.length} of ${hosts.length} hosts not reported: ${listNames(unknown)}`]),
  ];
  return parts.length > 0 ? parts.join('; ') : `all ${hosts.length} hosts ready`;
}

/** Host by host, with the reasons in full. */
export function formatPoolHosts(
  tunnel: TunnelName,
  hosts: readonly HostReport[],
  options: { readonly width: number; readonly colour: boolean },
): string {
  const rows = hosts.map(host => hostRow(host.name, receptionOf(host, tunnel)));
  return renderTable(
    [{ header: 'HOST', shrinkTo: 10 }, { header: `RECEIVES ${words[tunnel]}` }],
    rows,
    options,
  );
}

function hostRow(name: string, reception: Reception): Row {
  switch (reception.kind) {
    case 'ready':
      return { cells: [name, 'ready'], colours: { 1: 'green' } };
    case 'unknown':
      return { cells: [name, 'not reported'], colours: { 1: 'yellow' } };
    case 'cannot':
      return { cells: [name, 'cannot'], colours: { 1: 'red' }, below: [reception.reason] };
  }
}

function receptionOf({ receives }: HostReport, tunnel: TunnelName): Reception {
  const found = receives?.find(one => one.tunnel === tunnel);
  if (found === undefined) return { kind: 'unknown' };
  return found.state === 'Ready' ? { kind: 'ready' } : { kind: 'cannot', reason: found.reason ?? '' };
}

function listNames(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more` : names.join(', ');
}
