/** Records as a client of three reflectors writes them. */
import type { LeaseResource, NodeReportResource } from '../../core/resources/cluster-documents.js';
import { MARGAY_API } from '../../core/resources/resource.js';

/** Of a lease that lapses after a minute. */
export const LEASE_SECONDS = 20;
/** At rest; while sessions come and go, up to every 10 s. */
export const REPORT_SECONDS = 55;

const metadata = (name: string) => ({ name, labels: {}, annotations: {} });
const id = '00000000-0000-4000-8000-000000000000';

export function hostLease(host: number): LeaseResource {
  const name = `host-${host}`;
  return {
    ...{ apiVersion: MARGAY_API, kind: 'Lease', metadata: metadata(`node.${name}`) },
    spec: {
      ...{ holder: name, instance: id, process: id, boot: id },
      addresses: [],
      ...{ term: 1, renewals: 1, durationSeconds: 60, sinceUnixMs: 1, renewedUnixMs: 1 },
    },
  };
}

export function hostReport(host: number): NodeReportResource {
  const session = (i: number) => ({
    ...{ key: `Topology_10_0_0_${i}`, name: `reflector-${i}`, address: `10.0.0.${i}`, type: 'reflector' },
    ...{ asn: 64512, state: 'Established', sinceUnixMs: 1, received: 5000, advertised: 1, info: '' },
  });
  return {
    ...{ apiVersion: MARGAY_API, kind: 'NodeReport', metadata: metadata(`host-${host}`) },
    spec: {
      ...{ reportedUnixMs: 1, version: '0.1.0', instance: id, startedUnixMs: 1 },
      ...{ speaker: 'running', asn: 64512, store: 'in-sync', ribInSync: true, policyInForce: null },
      kernel: { programmed: 5000, pending: 0, refused: 0, stale: 0 },
      established: 3,
      sessions: [1, 2, 3].map(session),
      ...{ sessionsLeftOut: 0, conditions: [], conditionsLeftOut: 0, invalidDocuments: 0 },
      topology: { generation: 3, inSync: true, detail: '', waitsFor: [] },
    },
  };
}
