/** What people want of the sessions between hosts. */
import type { BGPTopologyResource } from '../../core/resources/cluster-documents.js';

export type TopologySettings = BGPTopologyResource['spec'];
