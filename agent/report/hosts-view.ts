/** All hosts as one agent sees them by the store: their leases and their reports, with the age of each (pure). */

import type { LeaseResource, NodeReportResource } from '../../core/resources/cluster-documents.js';
import type { NodeResource } from '../../core/resources/resource.js';
import { nodeAddress } from '../calculators/node-view.js';
import type { HostsView, HostView } from '../control/types.js';
import { CONTROLLER_LEASE, nodeOfLease } from '../lease/lease-document.js';
import type { LeaseSpec } from '../lease/lease-sight.js';
import { readReport } from './read-report.js';

export interface SeenHosts {
  readonly nowUnixMs: number;
  readonly nodes: readonly NodeResource[];
  readonly leases: readonly LeaseResource[];
  readonly reports: readonly NodeReportResource[];
  /** This host, as it is at this moment. */
  readonly own: NodeReportResource;
  /** The controller's lease, as this host knows it; read anew where the leases were. */
  readonly part: LeaseSpec | undefined;
  /** Since when the store cannot be read, and why; what it holds is not known then. */
  readonly away: { readonly sinceUnixMs: number; readonly detail: string } | undefined;
}

/** The controller's word on who is silent counts for so long; then the time in the leases does, which is that of other clocks. */
const WORD_COUNTS_MS = 90_000;
/** Clocks of hosts are taken to differ by less. */
const SKEW_MS = 10_000;

export function hostsView(seen: SeenHosts): HostsView {
  const { nodes, leases, reports, own, away, nowUnixMs } = seen;
  const leaseOf = new Map<string, LeaseSpec>();
  for (const { metadata, spec } of leases) {
    const node = nodeOfLease(metadata.name);
    if (node !== undefined) leaseOf.set(node, spec);
  }
  const reportOf = new Map([...reports, own].map(report => [report.metadata.name, report]));
  const nodeOf = new Map(nodes.map(node => [node.metadata.name, node]));
  const listed = leases.find(({ metadata }) => metadata.name === CONTROLLER_LEASE)?.spec;
  const part = away === undefined ? listed : seen.part;
  const silent = silentHosts(part, reportOf, nowUnixMs);
  const names = [...new Set([...nodeOf.keys(), ...leaseOf.keys(), ...reportOf.keys()])].sort();
  return {
    storeAway: away ?? null,
    controller: part === undefined ? null : { node: part.holder, sinceUnixMs: part.sinceUnixMs },
    hosts: names.map((name): HostView => {
      const lease = leaseOf.get(name);
      const report = reportOf.get(name);
      const isOwn = name === own.metadata.name;
      const life = isOwn ? 'alive' : away === undefined ? lifeOf(name, lease, silent, nowUnixMs) : 'unknown';
      return {
        ...{ node: name, self: isOwn, life },
        deleted: !isOwn && lease?.retired === true,
        addresses: addressesOf(nodeOf.get(name), lease),
        seenUnixMs: isOwn ? nowUnixMs : (lease?.renewedUnixMs ?? null),
        reportAgeMs: report === undefined ? null : Math.max(0, nowUnixMs - report.spec.reportedUnixMs),
        report: report === undefined ? null : readReport(report.spec),
      };
    }),
  };
}

interface Silent {
  readonly by: string;
  /** Who has not renewed his lease since it had these. */
  readonly renewals: ReadonlyMap<string, number>;
}

/** By the controller's report; undefined where there is none that counts. */
function silentHosts(
  part: LeaseSpec | undefined,
  reports: ReadonlyMap<string, NodeReportResource>,
  nowUnixMs: number,
): Silent | undefined {
  const report = part === undefined ? undefined : reports.get(part.holder);
  if (report === undefined || nowUnixMs - report.spec.reportedUnixMs > WORD_COUNTS_MS) return undefined;
  const { silent } = readReport(report.spec);
  return silent === undefined || silent.leftOut > 0
    ? undefined
    : {
        by: report.metadata.name,
        renewals: new Map(silent.nodes.map(({ node, renewals }) => [node, renewals])),
      };
}

function lifeOf(
  name: string,
  lease: LeaseSpec | undefined,
  silent: Silent | undefined,
  nowUnixMs: number,
): HostView['life'] {
  if (lease === undefined) return 'no-agent';
  if (lease.retired === true) return 'silent';
  // Its word on itself is worth nothing once it is gone.
  if (silent !== undefined && name !== silent.by)
    return silent.renewals.get(name) === lease.renewals ? 'silent' : 'alive';
  return nowUnixMs - lease.renewedUnixMs > lease.durationSeconds * 1000 + SKEW_MS ? 'silent' : 'alive';
}

function addressesOf(node: NodeResource | undefined, lease: LeaseSpec | undefined): readonly string[] {
  const ofNode = [nodeAddress(node)?.address, nodeAddress(node, 'ipv6')?.address].filter(
    address => address !== undefined,
  );
  return ofNode.length > 0 ? ofNode : (lease?.addresses ?? []).map(({ address }) => address);
}
