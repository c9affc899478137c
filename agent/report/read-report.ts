/** A NodeReport as another host wrote it, perhaps one of another version: what is not as it is known here counts as not said (pure). */
import { z } from 'zod';
import type { NodeReportResource } from '../../core/resources/cluster-documents.js';
import type { HostReport } from '../control/types.js';

const count = z.number().catch(0);
const words = z.string().catch('');

const session = z.object({
  key: words,
  name: words,
  address: words,
  type: words,
  asn: count,
  state: words,
  sinceUnixMs: count,
  received: count,
  advertised: count,
  info: words,
});

const report = z.looseObject({
  version: words,
  instance: words,
  startedUnixMs: count,
  speaker: words,
  asn: z.number().nullable().catch(null),
  store: words,
  ribInSync: z.boolean().catch(false),
  kernel: z
    .object({ programmed: count, pending: count, refused: count, stale: count })
    .catch({ programmed: 0, pending: 0, refused: 0, stale: 0 }),
  policyInForce: z.boolean().nullable().catch(null),
  established: count,
  sessions: z.array(session).catch([]),
  sessionsLeftOut: count,
  conditions: z
    .array(z.object({ severity: z.enum(['error', 'warning']).catch('warning'), message: words }))
    .catch([]),
  conditionsLeftOut: count,
  invalidDocuments: count,
  silent: z
    .object({ hosts: count, nodes: z.array(z.object({ node: words, renewals: count })), leftOut: count })
    .optional()
    .catch(undefined),
});

export function readReport({ reportedUnixMs: _, ...spec }: NodeReportResource['spec']): HostReport {
  return report.parse(spec) as HostReport;
}
