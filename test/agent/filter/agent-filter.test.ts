/** What the agent's packet filter goes by: pools, nodes, tunnels and FelixConfigurations as they are now. */
import test from 'ava';
import { FelixSettingsCalculator } from '../../../agent/calculators/felix-settings.js';
import { AgentFilter } from '../../../agent/filter/agent-filter.js';
import { filterConditions } from '../../../agent/filter/filter-status.js';
import type { ApplierTuning } from '../../../agent/filter/host-filter.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import { parseResource } from '../../../core/resources/parse.js';
import type { HostIntent } from '../../../ipip/kernel-facts.js';
import { ip, net } from '../../policy/host-policies.js';

const intent = {
  preferredSources: { ipv4: ip('192.0.2.1'), ipv6: undefined },
  remoteHosts: [{ address: ip('192.0.2.2') }],
  externalNodes: [net('198.51.100.0/24'), net('192.0.2.2/32')],
  workloads: new Map(),
} as unknown as HostIntent;

const views = [
  { tunnel: 'ipip', device: 'tunl0', mtu: 1480, state: 'open' },
  { tunnel: 'vxlan', device: 'vxlan.calico', mtu: 1450, state: 'open' },
  { tunnel: 'udp', device: 'margay0', mtu: 1440, state: 'open' },
  { tunnel: 'vxlan-v6', device: 'vxlan-v6.calico', mtu: 1430, state: 'closed' },
];

function start() {
  const tunings: ApplierTuning[] = [];
  const felix = new FelixSettingsCalculator('host-a');
  const filter = new AgentFilter({
    nodeName: 'host-a',
    clock: new FakeClock(),
    ports: {
      newApplier: (tuning: ApplierTuning) => {
        tunings.push(tuning);
        const status = () => ({ problems: [], counts: { chains: 0 } });
        const setRefresh = (refreshMs: number) => tunings.push({ ...tuning, refreshMs });
        return { setDesired: () => {}, setRefresh, applied: async () => true, status, close: () => {} };
      },
      connections: { find: async () => [], close: () => {} },
      udpPort: 5999,
    },
    cluster: { felix },
    dataplane: () => ({ tunnels: () => views, mayHold: () => false }),
    guardedChanged: () => {},
    changed: () => {},
    log: { info: () => {}, warn: () => {} },
  } as never);
  const set = (document: object) => {
    const parsed = parseResource({ apiVersion: 'projectcalico.org/v3', ...document });
    if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
    const change = { kind: 'changed', resource: parsed.resource } as const;
    felix.onChange(change);
    filter.onChange(change);
    filter.flush();
  };
  return { filter, tunings, set };
}

test('nothing is asked for before it is known what the host is', t => {
  const { filter, tunings } = start();
  filter.flush();
  t.is(tunings.length, 0);
  filter.flush(intent);
  t.deepEqual(tunings, [{ backend: 'auto', refreshMs: 90_000 }]);
  filter.close();
});

test('open tunnels are guarded, each by its port, and take packets from the other nodes alone', t => {
  const { filter } = start();
  filter.flush(intent);
  const from = [net('192.0.2.2/32'), net('198.51.100.0/24')];
  t.deepEqual(filter.host.settings?.tunnels, [
    { tunnel: 'ipip', device: 'tunl0', from, mtu: 1480 },
    { tunnel: 'vxlan', device: 'vxlan.calico', from, mtu: 1450, port: 4789 },
    { tunnel: 'udp', device: 'margay0', from, mtu: 1440, port: 5999 },
  ]);
  filter.close();
});

test('pools that are not disabled say what is masqueraded, and nodes what is not', t => {
  const { filter, set } = start();
  filter.flush(intent);
  const pool = (name: string, cidr: string, more: object) =>
    set({ kind: 'IPPool', metadata: { name }, spec: { cidr, ...more } });
  pool('a', '10.244.0.0/16', { natOutgoing: true });
  pool('b', '10.245.0.0/16', { disabled: true });
  set({
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: { natOutgoingExclusions: 'IPPoolsAndHostIPs' },
  });
  t.deepEqual(filter.host.settings?.nat, {
    pools: [{ cidr: net('10.244.0.0/16'), masquerade: true }],
    exclusions: [net('192.0.2.1/32'), net('192.0.2.2/32')],
  });
  filter.close();
});

test('a FelixConfiguration takes effect while the agent runs, the host’s own before the cluster’s', t => {
  const { filter, tunings, set } = start();
  filter.flush(intent);
  const configure = (name: string, spec: object, annotations = {}) =>
    set({ kind: 'FelixConfiguration', metadata: { name, annotations }, spec });
  configure('default', { iptablesBackend: 'NFT', iptablesRefreshInterval: '10s' });
  configure('node.host-a', { iptablesBackend: 'Legacy' }, { 'margay.io/failClosedForwarding': 'true' });
  configure('node.host-a', { ipsetsRefreshInterval: '5s' });
  configure('node.host-a', { ipsetsRefreshInterval: '0s', iptablesRefreshInterval: '0s' });
  configure('node.host-a', { iptablesRefreshInterval: '1ms' }, { 'margay.io/failClosedForwarding': 'true' });
  t.deepEqual(tunings.slice(1), [
    { backend: 'nft', refreshMs: 10_000 },
    { backend: 'legacy', refreshMs: 10_000 },
    { backend: 'nft', refreshMs: 5000 },
    { backend: 'nft', refreshMs: 180_000 },
    { backend: 'nft', refreshMs: 1000 },
  ]);
  t.true(filter.host.settings?.failClosedForwarding);
  filter.close();
});

test('a workload whose interface is not named like one is reported, since nothing guards it', t => {
  const { filter, set } = start();
  filter.flush(intent);
  const workload = (number: number, interfaceName: string) =>
    set({
      kind: 'WorkloadEndpoint',
      metadata: { name: `w${number}`, namespace: 'default' },
      spec: { node: 'host-a', interfaceName, ipNetworks: [`10.65.0.${number}/32`] },
    });
  workload(1, 'cali1');
  workload(2, 'tap2');
  const objects = () => filterConditions(filter).map(one => one.objects);
  t.deepEqual(objects(), [['WorkloadEndpoint/default/w2']]);
  t.regex(
    filterConditions(filter)[0]!.message,
    /w2 is not guarded: its interface tap2 .* cali \(interfacePrefix\)/,
  );
  set({ kind: 'FelixConfiguration', metadata: { name: 'default' }, spec: { interfacePrefix: 'cali,tap' } });
  t.deepEqual(objects(), []);
  filter.close();
});

test('a workload whose interface another has is reported, and by whom it is had', t => {
  const { filter, set } = start();
  filter.flush(intent);
  for (const number of [2, 1])
    set({
      kind: 'WorkloadEndpoint',
      metadata: { name: `w${number}`, namespace: 'default' },
      spec: { node: 'host-a', interfaceName: 'cali1', ipNetworks: [`10.65.0.${number}/32`] },
    });
  const conditions = filterConditions(filter);
  t.deepEqual(
    conditions.map(({ objects }) => objects),
    [['WorkloadEndpoint/default/w2']],
  );
  t.regex(conditions[0]!.message, /cali1 is that of WorkloadEndpoint\/default\/w1/);
  filter.close();
});
