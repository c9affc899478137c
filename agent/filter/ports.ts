/** What enforcing policy needs of a host, as a port; `filter-ports.ts` is this one's. */
import type { RenderedFilter } from '../../policy/rendered.js';
import type { Connections } from './cut-connections.js';
import type { ApplierTuning, HostFilterOptions } from './host-filter.js';

/** What the agent is given where policy is enforced. */
export interface FilterPorts {
  readonly newApplier: HostFilterOptions['newApplier'];
  readonly connections: Connections & { close(): void };
  /** What bringing a filter into force would do, in words; undefined: nothing. @throws where the packet filter cannot be read */
  readonly plan: (filter: RenderedFilter, backend: ApplierTuning['backend']) => Promise<string | undefined>;
  /** Of our own encapsulation. */
  readonly udpPort: number;
}
