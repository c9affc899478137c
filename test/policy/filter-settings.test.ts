/** FelixConfiguration's fields as the packet filter goes by them. */
import test from 'ava';
import type { IpAddress, Ipv4Address } from '../../core/ip-address.js';
import type { FelixPolicySpec } from '../../core/resources/policy-documents.js';
import { type FilteredHost, filterSettings } from '../../policy/filter-settings.js';
import type { FilterSettings } from '../../policy/settings.js';
import { ip, net } from './host-policies.js';

const host: FilteredHost = {
  pools: [{ cidr: net('10.244.0.0/16'), masquerade: true }],
  nodeAddresses: ['192.0.2.1', '2001:db8::1', '192.0.2.1'] as IpAddress[],
  tunnels: [{ tunnel: 'ipip', device: 'tunl0', from: [net('192.0.2.2/32')], mtu: 1480 }],
};

function settingsOf(spec: FelixPolicySpec, annotations = {}): FilterSettings {
  return filterSettings(field => spec[field] as never, annotations, host);
}

const port = (protocol: number) => (number: number) => ({ protocol, port: number });

test('without a FelixConfiguration everything is as Calico has it', t => {
  t.deepEqual(settingsOf({}), {
    workloadInterfacePrefixes: ['cali'],
    markMask: 0xffff0000,
    hooks: 'insert',
    endpointToHost: 'drop',
    allowed: { filter: 'accept', mangle: 'accept' },
    denied: 'drop',
    failsafes: {
      inbound: [...[22, 179, 2379, 2380, 5473, 6443, 6666, 6667].map(port(6)), port(17)(68)],
      outbound: [...[179, 2379, 2380, 5473, 6443, 6666, 6667].map(port(6)), ...[53, 67].map(port(17))],
    } as FilterSettings['failsafes'],
    encapsulatedFromWorkloads: { ipip: false, vxlan: false },
    dropInvalid: true,
    spoofedSources: false,
    log: { prefix: 'calico-packet', rate: '10/second', burst: 20 },
    nat: { pools: host.pools, exclusions: [] },
    tunnels: host.tunnels,
    failClosedForwarding: false,
    flushOnDeny: false,
    maxSetSize: 1_048_576,
    families: ['ipv4', 'ipv6'],
  });
});

const fields: readonly (readonly [FelixPolicySpec, Partial<FilterSettings>])[] = [
  [{ interfacePrefix: 'cali,tap' }, { workloadInterfacePrefixes: ['cali', 'tap'] }],
  [{ iptablesMarkMask: 0xff00 }, { markMask: 0xff00 }],
  [{ chainInsertMode: 'Append' }, { hooks: 'append' }],
  [{ chainInsertMode: 'Insert' }, { hooks: 'insert' }],
  [{ defaultEndpointToHostAction: 'Accept' }, { endpointToHost: 'accept' }],
  [{ defaultEndpointToHostAction: 'Return' }, { endpointToHost: 'return' }],
  [{ iptablesFilterAllowAction: 'Return' }, { allowed: { filter: 'return', mangle: 'accept' } }],
  [{ iptablesMangleAllowAction: 'Return' }, { allowed: { filter: 'accept', mangle: 'return' } }],
  [{ iptablesFilterDenyAction: 'Reject' }, { denied: 'reject' }],
  [
    { failsafeInboundHostPorts: [{ protocol: 'SCTP', port: 9, net: net('10.0.0.0/8') }] },
    {
      failsafes: {
        inbound: [{ protocol: 132, port: 9, net: net('10.0.0.0/8') }],
        outbound: settingsOf({}).failsafes.outbound,
      },
    },
  ],
  [
    { failsafeOutboundHostPorts: [{ protocol: 'UDP', port: 53 }] },
    {
      failsafes: { inbound: settingsOf({}).failsafes.inbound, outbound: [{ protocol: 17, port: 53 }] },
    },
  ],
  [
    { failsafeInboundHostPorts: [], failsafeOutboundHostPorts: [] },
    { failsafes: { inbound: [], outbound: [] } },
  ],
  [{ allowIPIPPacketsFromWorkloads: true }, { encapsulatedFromWorkloads: { ipip: true, vxlan: false } }],
  [{ allowVXLANPacketsFromWorkloads: true }, { encapsulatedFromWorkloads: { ipip: false, vxlan: true } }],
  [{ disableConntrackInvalidCheck: true }, { dropInvalid: false }],
  [{ workloadSourceSpoofing: 'Any' }, { spoofedSources: true }],
  [{ workloadSourceSpoofing: 'Disabled' }, { spoofedSources: false }],
  [{ logPrefix: 'x' }, { log: { prefix: 'x', rate: '10/second', burst: 20 } }],
  [
    { logActionRateLimit: '3/minute', logActionRateLimitBurst: 7 },
    { log: { prefix: 'calico-packet', rate: '3/minute', burst: 7 } },
  ],
  [{ logActionRateLimit: '120/hour' }, { log: { prefix: 'calico-packet', rate: '120/hour', burst: 20 } }],
  [{ logActionRateLimit: '1440/day' }, { log: { prefix: 'calico-packet', rate: '1440/day', burst: 20 } }],
  [
    { natOutgoingExclusions: 'IPPoolsAndHostIPs' },
    { nat: { pools: host.pools, exclusions: [net('192.0.2.1/32'), net('2001:db8::1/128')] } },
  ],
  [{ natOutgoingExclusions: 'IPPoolsOnly' }, { nat: { pools: host.pools, exclusions: [] } }],
  [
    { natOutgoingAddress: ip('192.0.2.7') as Ipv4Address, natPortRange: '32768:65535' },
    {
      nat: {
        pools: host.pools,
        exclusions: [],
        address: ip('192.0.2.7'),
        ports: { min: 32_768, max: 65_535 },
      },
    },
  ],
  [
    { iptablesNATOutgoingInterfaceFilter: 'eth+' },
    { nat: { pools: host.pools, exclusions: [], interfaces: 'eth+' } },
  ],
  [{ maxIpsetSize: 5000 }, { maxSetSize: 5000 }],
  [{ ipv6Support: false }, { families: ['ipv4'] }],
  [{ ipv6Support: true }, { families: ['ipv4', 'ipv6'] }],
];

for (const [spec, expected] of fields) {
  test(`${JSON.stringify(spec)} changes that and nothing else`, t => {
    t.deepEqual(settingsOf(spec), { ...settingsOf({}), ...expected });
  });
}

test('the guard of forwarding comes from the annotation', t => {
  t.deepEqual(settingsOf({}, { failClosedForwarding: true }), {
    ...settingsOf({}),
    failClosedForwarding: true,
  });
});
