/** What the controller has seen of all hosts (pure): leases and reports as they were listed, look after look. */
import type { NodeReportResource } from '../../core/resources/cluster-documents.js';
import type { Resource } from '../../core/resources/resource.js';
import { nodeOfLease } from '../lease/lease-document.js';
import { isLapsed, type LeaseSight, type Look, missLease, seeLease } from '../lease/lease-sight.js';
import type { HostView } from './task.js';

export class ClusterWatch {
  #sights = new Map<string, LeaseSight>();

  /** @param nodes names of all Nodes @param records every Lease and every NodeReport */
  look(nodes: Iterable<string>, records: readonly Resource[], look: Look): ReadonlyMap<string, HostView> {
    const sights = new Map<string, LeaseSight>();
    const reports = new Map<string, NodeReportResource['spec']>();
    for (const record of records) {
      if (record.kind === 'NodeReport') reports.set(record.metadata.name, record.spec);
      if (record.kind !== 'Lease') continue;
      const name = nodeOfLease(record.metadata.name);
      if (name !== undefined) sights.set(name, seeLease(this.#sights.get(name), record.spec, look));
    }
    this.#sights = sights;
    const names = new Set([...nodes, ...sights.keys()]);
    return new Map([...names].map(name => [name, hostView(name, sights.get(name), reports.get(name))]));
  }

  /** The store could not be read. */
  missed(): void {
    for (const [name, sight] of this.#sights) this.#sights.set(name, missLease(sight)!);
  }

  /** What was seen long ago says nothing of now. */
  forget(): void {
    this.#sights = new Map();
  }
}

function hostView(
  name: string,
  sight: LeaseSight | undefined,
  report: NodeReportResource['spec'] | undefined,
): HostView {
  if (sight === undefined) return { name, leased: false, alive: true, silentSeconds: 0, report };
  const silentSeconds = Math.floor(sight.silentMs / 1000);
  const { renewals } = sight.spec;
  const addresses = (sight.spec.addresses ?? []).map(({ address }) => address);
  return { name, leased: true, alive: !isLapsed(sight), silentSeconds, renewals, addresses, report };
}
