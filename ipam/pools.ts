/** Which pools a request may have addresses from, and in words why the others not (pure). */
import type { AddressFamily } from '../core/ip-address.js';
import { type Prefix, prefixContains, prefixesOverlap, prefixFamily } from '../core/prefix.js';
import type { IPPoolResource } from '../core/resources/resource.js';
import { isSelector, type Labels, matchesSelector, parseSelector } from '../core/selector.js';
import type { IpamDocuments } from './documents.js';
import type { AllocationRequest } from './request.js';

export interface PoolChoice {
  /** In the order in which they are tried. */
  readonly pools: readonly IPPoolResource['spec'][];
  /** Of the others, a sentence each. */
  readonly reasons: readonly string[];
}

type Wish = Pick<AllocationRequest, 'use' | 'node' | 'namespace' | 'pools'>;

export function choosePools(documents: IpamDocuments, wish: Wish, family: AddressFamily): PoolChoice {
  const all = documents.pools.filter(({ spec }) => prefixFamily(spec.cidr) === family);
  const wanted = wish.pools === undefined ? all : wish.pools.flatMap(name => named(all, name) ?? []);
  const unknown = (wish.pools ?? []).filter(name => named(documents.pools, name) === undefined);
  const pools: IPPoolResource['spec'][] = [];
  const reasons = unknown.map(name => `there is no pool ${name}`);
  if (wanted.length === 0 && unknown.length === 0)
    reasons.push(
      `${wish.pools === undefined ? 'there is' : 'among those that are named is'} no ${familyWords[family]} pool`,
    );
  for (const pool of wanted) {
    const why = refusal(documents, pool, all, wish);
    if (why === undefined) pools.push(pool.spec);
    else reasons.push(`pool ${pool.metadata.name} ${why}`);
  }
  return { pools, reasons };
}

/** Whether addresses out of it may be given to somebody on the node, as far as its own document says. */
export function selectsNode({ spec }: IPPoolResource, labels: Labels): boolean {
  return selects(spec.nodeSelector, labels);
}

/** The pool that something is in: of several the first by name. */
export function poolOf(documents: IpamDocuments, inside: Prefix): IPPoolResource | undefined {
  return documents.pools.find(({ spec }) => prefixContains(spec.cidr, inside));
}

export const familyWords: Readonly<Record<AddressFamily, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

function named(all: readonly IPPoolResource[], name: string): IPPoolResource | undefined {
  return all.find(({ metadata, spec }) => [metadata.name, spec.cidr].includes(name));
}

/** A pool that is named serves also where it would give nothing by itself. */
function refusal(
  documents: IpamDocuments,
  pool: IPPoolResource,
  all: readonly IPPoolResource[],
  { use, node, namespace, pools }: Wish,
): string | undefined {
  const { spec } = pool;
  if (spec.disabled) return 'is disabled';
  const before = all.find(other => isBefore(other, pool) && prefixesOverlap(other.spec.cidr, spec.cidr));
  if (before !== undefined)
    return `(${spec.cidr}) overlaps with pool ${before.metadata.name} (${before.spec.cidr})`;
  if (!spec.allowedUses.includes(use)) return `is not for ${useWords[use]}: allowedUses ${spec.allowedUses}`;
  if (pools !== undefined) return undefined;
  if (spec.assignmentMode === 'Manual')
    return `gives addresses only where it is named: assignmentMode Manual`;
  if (!selectsNode(pool, documents.labelsOf('Node', node)))
    return `does not select node ${node}: nodeSelector ${spec.nodeSelector}`;
  if (spec.namespaceSelector === undefined) return undefined;
  if (namespace === undefined) return `is for namespaces: namespaceSelector ${spec.namespaceSelector}`;
  const labels = documents.labelsOf('Namespace', namespace);
  if (selects(spec.namespaceSelector, labels)) return undefined;
  return `does not select namespace ${namespace}: namespaceSelector ${spec.namespaceSelector}`;
}

const useWords: Readonly<Record<AllocationRequest['use'], string>> = {
  Workload: 'workloads',
  Tunnel: 'tunnels',
  LoadBalancer: 'load balancers',
};

/** Of two pools that overlap the first by name gives addresses. */
function isBefore(other: IPPoolResource, pool: IPPoolResource): boolean {
  return !other.spec.disabled && other.metadata.name < pool.metadata.name;
}

function selects(selector: string, labels: Labels): boolean {
  const parsed = parseSelector(selector);
  return isSelector(parsed) && matchesSelector(parsed, labels);
}
