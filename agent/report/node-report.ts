/**
 * What a host says of itself for those who look from elsewhere (pure): a short form of `bgpctl status` and `bgpctl peers`, bounded however
 * many sessions there are. What asks for a person comes first.
 */
import type { PeerStatus } from '../../bgp/speaker/contract.js';
import type { NodeReportResource } from '../../core/resources/cluster-documents.js';
import { MARGAY_API } from '../../core/resources/resource.js';
import type { AgentStatus, HostReport, SessionReport } from '../control/types.js';

/** More of them are counted. */
const SESSIONS = 128;
const CONDITIONS = 10;
const LONGEST_TEXT = 200;

export interface ReportedParts {
  readonly status: AgentStatus;
  readonly peers: readonly PeerStatus[];
  readonly instance: string;
  /** Of the controller alone. */
  readonly silent: HostReport['silent'];
  /** What other rooms of the agent tell. */
  readonly more: Readonly<Record<string, unknown>>;
}

export function hostReport({ status, peers, instance, silent, more }: ReportedParts): HostReport {
  const { version, startedUnixMs, speaker, store, rib, dataplane, policy } = status;
  const sessions = peers.toSorted(byNeed).map(sessionReport);
  const conditions = status.conditions.toSorted((a, b) => rank(a.severity) - rank(b.severity));
  return {
    ...{ version, instance, startedUnixMs },
    speaker: speaker.state,
    asn: speaker.asn,
    store: store.state,
    ribInSync: rib.inSync,
    kernel: {
      programmed: dataplane.programmed,
      pending: dataplane.pending,
      refused: dataplane.refused.length,
      stale: dataplane.stale,
    },
    policyInForce: policy === null ? null : policy.inForce,
    established: status.peers.established,
    sessions: sessions.slice(0, SESSIONS),
    /** All of them are Established if not even those that are listed are all down. */
    sessionsLeftOut: Math.max(0, sessions.length - SESSIONS),
    conditions: conditions
      .slice(0, CONDITIONS)
      .map(({ severity, message }) => ({ severity, message: shortened(message) })),
    conditionsLeftOut: Math.max(0, conditions.length - CONDITIONS),
    invalidDocuments: status.invalidDocuments.length,
    ...(silent === undefined ? {} : { silent }),
    ...more,
  };
}

export function reportDocument(
  nodeName: string,
  report: HostReport,
  reportedUnixMs: number,
): NodeReportResource {
  const metadata = { name: nodeName, labels: {}, annotations: {} };
  return {
    ...{ apiVersion: MARGAY_API, kind: 'NodeReport', metadata },
    spec: { reportedUnixMs, ...report },
  };
}

/** Without what changes all the time: as long as this is the same, nobody is in a hurry to know. */
export function gist({ sessions, kernel, ...rest }: HostReport): string {
  // One that is down tries again and again.
  const states = sessions.map(({ key, name, state, sinceUnixMs, info }) =>
    state === 'Established' ? [key, name, sinceUnixMs] : [key, name, info],
  );
  const { pending, refused, stale } = kernel;
  return JSON.stringify({ ...rest, states, kernel: [pending > 0, refused, stale > 0] });
}

function sessionReport({
  key,
  name,
  address,
  type,
  asn,
  state,
  sinceUnixMs,
  routes,
  info,
}: PeerStatus): SessionReport {
  return {
    ...{ key, name, address, type, asn, state, sinceUnixMs },
    ...{ received: routes.received, advertised: routes.advertised },
    info: shortened(info),
  };
}

/** What is down first, then by address as text. */
function byNeed(a: PeerStatus, b: PeerStatus): number {
  const down = Number(a.state === 'Established') - Number(b.state === 'Established');
  if (down !== 0) return down;
  return a.key < b.key ? -1 : 1;
}

function rank(severity: 'warning' | 'error'): number {
  return severity === 'error' ? 0 : 1;
}

function shortened(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT - 1)}…`;
}
