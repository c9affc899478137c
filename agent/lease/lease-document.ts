/** Leases as they stand in the store (pure). */
import type { LeaseResource } from '../../core/resources/cluster-documents.js';
import { MARGAY_API } from '../../core/resources/resource.js';
import type { LeaseSpec } from './lease-sight.js';

/** Of the part that one host of the cluster has. */
export const CONTROLLER_LEASE = 'controller';
const OF_NODE = 'node.';

/** That of a host's name. */
export function nodeLeaseName(nodeName: string): string {
  return OF_NODE + nodeName;
}

/** Whose name it is; undefined: it is none of a host's name. */
export function nodeOfLease(leaseName: string): string | undefined {
  return leaseName.startsWith(OF_NODE) ? leaseName.slice(OF_NODE.length) : undefined;
}

export function leaseDocument(name: string, spec: LeaseSpec): LeaseResource {
  return { apiVersion: MARGAY_API, kind: 'Lease', metadata: { name, labels: {}, annotations: {} }, spec };
}
