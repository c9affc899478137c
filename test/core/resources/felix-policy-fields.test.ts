import test from 'ava';
import {
  annotationProblems,
  failClosedForwardingOf,
  flushOnDenyOf,
} from '../../../core/resources/annotations.js';
import { keptFelixFields } from '../../../core/resources/felix-fields.js';
import { felixPolicyFields } from '../../../core/resources/felix-policy-fields.js';
import { type Refusal, readsAs, refuses } from './written.js';

const kind = 'FelixConfiguration';

const everything = {
  interfacePrefix: 'cali,tap',
  iptablesBackend: 'NFT',
  iptablesMarkMask: 0xffff0000,
  chainInsertMode: 'Append',
  defaultEndpointToHostAction: 'Accept',
  iptablesFilterAllowAction: 'Return',
  iptablesMangleAllowAction: 'Accept',
  iptablesFilterDenyAction: 'Reject',
  failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22, net: '10.0.0.0/8' }],
  failsafeOutboundHostPorts: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'SCTP', port: 65535, net: '::/0' },
  ],
  workloadSourceSpoofing: 'Any',
  allowVXLANPacketsFromWorkloads: true,
  allowIPIPPacketsFromWorkloads: false,
  disableConntrackInvalidCheck: true,
  ipv6Support: false,
  logPrefix: 'calico-packet',
  logActionRateLimit: '10/second',
  logActionRateLimitBurst: 0,
  natOutgoingAddress: '192.0.2.1',
  natOutgoingExclusions: 'IPPoolsAndHostIPs',
  natPortRange: '32768:65535',
  iptablesNATOutgoingInterfaceFilter: 'eth+',
  maxIpsetSize: 1048576,
  iptablesRefreshInterval: '180s',
  iptablesPostWriteCheckInterval: '1s',
  iptablesLockProbeInterval: '50ms',
  iptablesLockTimeout: '1m30s',
  ipsetsRefreshInterval: '0s',
};

test('every field that speaks of policy is kept, and none of them is called one that nobody acts on', t => {
  t.deepEqual(Object.keys(everything).sort(), Object.keys(felixPolicyFields).sort());
  readsAs(t, kind, everything);
  for (const field of keptFelixFields) t.false(Object.hasOwn(felixPolicyFields, field), field);
});

test('words in any case, an empty text for what is not given, the usual protocol, one port as a range', t => {
  readsAs(
    t,
    kind,
    {
      iptablesBackend: 'nft',
      chainInsertMode: 'insert',
      defaultEndpointToHostAction: 'ACCEPT',
      iptablesFilterDenyAction: 'reject',
      workloadSourceSpoofing: '',
      interfacePrefix: '',
      logPrefix: '',
      natOutgoingAddress: '',
      natPortRange: 40000,
      failsafeInboundHostPorts: [{ port: 22 }, { protocol: 'udp', port: 68, net: '192.0.2.1' }],
      failsafeOutboundHostPorts: [],
    },
    {
      iptablesBackend: 'NFT',
      chainInsertMode: 'Insert',
      defaultEndpointToHostAction: 'Accept',
      iptablesFilterDenyAction: 'Reject',
      natPortRange: '40000:40000',
      failsafeInboundHostPorts: [
        { protocol: 'TCP', port: 22 },
        { protocol: 'UDP', port: 68, net: '192.0.2.1/32' },
      ],
      failsafeOutboundHostPorts: [],
    },
  );
});

/** Wrong values of each field, and what is allowed. */
const wrong: Readonly<
  Record<keyof typeof everything, readonly [values: readonly unknown[], allowed: RegExp]>
> = {
  interfacePrefix: [['a b', 'cali,', 'a'.repeat(16), '+', 5], /begin with/],
  iptablesBackend: [['nftables', 5], /^one of Auto, Legacy, NFT$/],
  iptablesMarkMask: [[0, -1, 0x100000000, 0xf, 1.5, '0xffff0000'], /32 bits, 5 of them/],
  chainInsertMode: [['prepend'], /^one of Insert, Append$/],
  defaultEndpointToHostAction: [['Deny'], /^one of Drop, Accept, Return$/],
  iptablesFilterAllowAction: [['Drop'], /^one of Accept, Return$/],
  iptablesMangleAllowAction: [['Allow', true], /^one of Accept, Return$/],
  iptablesFilterDenyAction: [['Deny'], /^one of Drop, Reject$/],
  failsafeInboundHostPorts: [['tcp:22', 22], /^a list of/],
  failsafeOutboundHostPorts: [[{}], /^a list of/],
  workloadSourceSpoofing: [['Enabled'], /^one of Disabled, Any$/],
  allowVXLANPacketsFromWorkloads: [['yes', 1], /^true or false$/],
  allowIPIPPacketsFromWorkloads: [['yes'], /^true or false$/],
  disableConntrackInvalidCheck: [['Enabled'], /^true or false$/],
  ipv6Support: [['auto'], /^true or false$/],
  logPrefix: [['a'.repeat(28), ' a', 'a\n', 'say "x"', 'a\\', 'é'], /27 printable/],
  logActionRateLimit: [['10', '0/second', '10000/day', '10/week', '10 / second'], /10\/second/],
  logActionRateLimitBurst: [[-1, 10000, 1.5, '5'], /0 to 9999/],
  natOutgoingAddress: [['192.0.2.0/24', 'fd00::1', 'eth0'], /^an IPv4 address$/],
  natOutgoingExclusions: [['None'], /^one of IPPoolsOnly, IPPoolsAndHostIPs$/],
  natPortRange: [['0:1', '2:1', '1:65536', '1-2', 0, 65536, 'a'], /32768:65535/],
  iptablesNATOutgoingInterfaceFilter: [['eth*', 'a'.repeat(16), 'a b'], /name of an interface/],
  maxIpsetSize: [[0, 1.5, 4294967296, '1'], /1 to 4294967295/],
  iptablesRefreshInterval: [['90', '-1s', 90], /duration/],
  iptablesPostWriteCheckInterval: [['soon'], /duration/],
  iptablesLockProbeInterval: [['50'], /duration/],
  iptablesLockTimeout: [['1d'], /duration/],
  ipsetsRefreshInterval: [[true], /duration/],
};

for (const [field, [values, allowed]] of Object.entries(wrong)) {
  test(`a wrong ${field} is named with what is allowed`, t => {
    t.true(values.length > 0);
    refuses(
      t,
      kind,
      values.map((value): Refusal => [{ [field]: value }, field, JSON.stringify(value), allowed]),
    );
  });
}

test('a wrong failsafe port is named at its place', t => {
  const port = (value: object) => ({ failsafeInboundHostPorts: [{ port: 22 }, value] });
  const at = (field: string) => `failsafeInboundHostPorts[1].${field}`;
  refuses(t, kind, [
    [port({ protocol: 'icmp', port: 1 }), at('protocol'), '"icmp"', 'one of TCP, UDP, SCTP'],
    [port({ protocol: 6, port: 1 }), at('protocol'), '6', 'one of TCP, UDP, SCTP'],
    [port({ protocol: 'TCP' }), at('port'), 'nothing', /1 to 65535/],
    [port({ port: 0 }), at('port'), '0', /1 to 65535/],
    [port({ port: 22, net: '10.0.0.1/8' }), at('net'), '"10.0.0.1/8"', /without host bits: 10\.0\.0\.0\/8/],
    [port({ port: 22, nets: [] }), at('nets'), '[]', /did you mean net\?/],
  ]);
});

test('annotations: forwarding that fails closed, and connections that a change denies', t => {
  const metadata = (annotations: Record<string, string>) => ({
    metadata: { name: 'default', labels: {}, annotations },
  });
  t.is(failClosedForwardingOf(metadata({})), undefined);
  t.true(failClosedForwardingOf(metadata({ 'margay.io/failClosedForwarding': 'true' })));
  t.false(failClosedForwardingOf(metadata({ 'margay.io/failClosedForwarding': 'false' })));
  t.true(flushOnDenyOf(metadata({ 'margay.io/flushOnDeny': 'true' })));
  t.false(flushOnDenyOf(metadata({ 'margay.io/flushOnDeny': 'false' })));
  t.is(flushOnDenyOf(metadata({})), undefined);
  for (const name of ['failClosedForwarding', 'flushOnDeny']) {
    const path = `metadata.annotations["margay.io/${name}"]`;
    const expected = [{ path, value: '"yes"', allowed: '"true" or "false"' }];
    t.deepEqual(annotationProblems(kind, { [`margay.io/${name}`]: 'yes' }, {}), expected);
  }
});
