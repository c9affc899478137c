/** Hosts and settings for the tests of the arrangement. */
import type { TopologyHost, TopologyHosts } from '../../../agent/topology/cluster-hosts.js';
import type { TopologySettings } from '../../../agent/topology/settings.js';
import { usualTopology } from '../../../core/resources/cluster.js';

export function settingsOf(given: Partial<TopologySettings> = {}): TopologySettings {
  return { ...usualTopology, ...given };
}

export function hostOf(name: string, given: Partial<TopologyHost> = {}): TopologyHost {
  return { name, labels: {}, alive: true, silentSeconds: 0, progress: undefined, ...given };
}

/** `node-0` and so on; the label `rack` goes round through so many values, none for 0. */
export function hostsOf(count: number, racks = 0): Map<string, TopologyHost> {
  const hosts = Array.from({ length: count }, (_, i) => {
    const labels: Record<string, string> = racks === 0 ? {} : { rack: `r${i % racks}` };
    return hostOf(`node-${i}`, { labels });
  });
  return mapOf(hosts);
}

export function mapOf(hosts: Iterable<TopologyHost>): Map<string, TopologyHost> {
  return new Map([...hosts].map(host => [host.name, host]));
}

export function silent(host: TopologyHost, seconds: number): TopologyHost {
  return { ...host, alive: false, silentSeconds: seconds };
}

/** All of them in sync with a generation. */
export function inSync(hosts: TopologyHosts, generation: number): Map<string, TopologyHost> {
  const progress = { generation, inSync: true, detail: '', waitsFor: [] };
  return mapOf([...hosts.values()].map(host => ({ ...host, progress })));
}
