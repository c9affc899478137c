/**
 * The arrangement of hosts for which no plan has been made yet (pure): no controller has come so far, or the store is new. Everybody who
 * sees the same Nodes comes to the same: a mesh up to its limit, and above it the reflectors that would be elected first, so that a
 * cluster that starts with a thousand hosts at once begins with some thousand sessions instead of half a million.
 */
import type { TopologyArrangement } from '../../core/resources/cluster-documents.js';
import { MESH } from './arrangement.js';
import type { TopologyHost } from './cluster-hosts.js';
import type { TopologySettings } from './settings.js';
import { wantedArrangement } from './wanted-arrangement.js';

export function provisionalArrangement(
  members: readonly Pick<TopologyHost, 'name' | 'labels'>[],
  settings: TopologySettings,
): TopologyArrangement {
  // Who lives is not known here.
  const hosts = members.map(({ name, labels }) => {
    return [name, { name, labels, alive: true, silentSeconds: 0, progress: undefined }] as const;
  });
  return wantedArrangement(MESH, new Map(hosts), settings, () => false).arrangement;
}
