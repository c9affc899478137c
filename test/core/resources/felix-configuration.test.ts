import test from 'ava';
import { parse } from 'yaml';
import { felixConfigurationSpec } from '../../../core/resources/felix-configuration.js';
import { keptFelixFields } from '../../../core/resources/felix-fields.js';
import { parseResource } from '../../../core/resources/parse.js';
import { describeProblem } from '../../../core/resources/problems.js';
import { serialiseResource } from '../../../core/resources/written-form.js';
import { problems, readsAs, refuses, written } from './written.js';

const kind = 'FelixConfiguration';

test('a configuration with everything this version acts on keeps it, and absent stays absent', t => {
  readsAs(t, kind, {});
  readsAs(t, kind, {
    ipipMTU: 1440,
    vxlanMTU: 1410,
    vxlanPort: 8472,
    vxlanVNI: 5000,
    externalNodesList: ['192.0.2.0/24'],
  });
  readsAs(t, kind, { ipipMTU: null, vxlanPort: null, externalNodesList: null, ipipEnabled: null }, {});
});

test('the bounds of MTUs, ports and VNIs', t => {
  for (const value of [0, 576, 65535]) readsAs(t, kind, { ipipMTU: value, vxlanMTU: value });
  for (const vxlanPort of [1, 65535]) readsAs(t, kind, { vxlanPort });
  for (const vxlanVNI of [1, 16777215]) readsAs(t, kind, { vxlanVNI });
  const wrong = (field: string, values: readonly unknown[], allowed: string) =>
    refuses(
      t,
      kind,
      values.map(value => [{ [field]: value }, field, JSON.stringify(value), allowed]),
    );
  for (const field of ['ipipMTU', 'vxlanMTU']) {
    wrong(
      field,
      [-1, 1, 575, 65536, 1440.5, '1440', true, []],
      'an MTU from 576 to 65535, or 0 for an automatic one',
    );
  }
  wrong('vxlanPort', [0, 65536, 4789.5, '4789'], 'a whole number from 1 to 65535');
  wrong('vxlanVNI', [0, 16777216, -4096, '4096'], 'a whole number from 1 to 16777215');
});

test('external nodes are addresses or prefixes, and come out as canonical prefixes', t => {
  readsAs(
    t,
    kind,
    { externalNodesList: ['192.0.2.1', '10.0.0.0/8', '2001:DB8:0::1', 'FD00::/48', '0.0.0.0/0'] },
    { externalNodesList: ['192.0.2.1/32', '10.0.0.0/8', '2001:db8::1/128', 'fd00::/48', '0.0.0.0/0'] },
  );
  readsAs(t, kind, { externalNodesList: [] });
  const allowed = 'an address or a prefix, such as 192.0.2.1 or 10.0.0.0/8';
  refuses(t, kind, [
    [{ externalNodesList: '10.0.0.0/8' }, 'externalNodesList', '"10.0.0.0/8"', 'a list'],
    [{ externalNodesList: ['gateway'] }, 'externalNodesList[0]', '"gateway"', allowed],
    [{ externalNodesList: ['10.0.0.0/33'] }, 'externalNodesList[0]', '"10.0.0.0/33"', allowed],
    [{ externalNodesList: ['::/0', '10.0.0.1/8'] }, 'externalNodesList[1]', '"10.0.0.1/8"', /10\.0\.0\.0\/8/],
    [{ externalNodesList: [7] }, 'externalNodesList[0]', '7', allowed],
  ]);
});

test('every other field that Calico has is kept as it is written, whatever its value', t => {
  t.true(keptFelixFields.length > 120);
  t.is(new Set(keptFelixFields).size, keptFelixFields.length);
  for (const name of keptFelixFields) t.regex(name, /^[a-z][a-zA-Z0-9]+$/);
  t.is(Object.keys(felixConfigurationSpec.shape).length, keptFelixFields.length + 6 + 28);
  const values = [true, false, 0, -1, '', 'Info', [], [{ port: 22, protocol: 'tcp' }], { a: { b: null } }];
  readsAs(t, kind, Object.fromEntries(keptFelixFields.map((name, i) => [name, values[i % values.length]])));
});

test('an unknown field names the nearest real one', t => {
  const cases = [
    ['ipipMtu', 'ipipMTU'],
    ['vxlanMTUv6', 'vxlanMTUV6'],
    ['externalNodeList', 'externalNodesList'],
    ['bpfEnable', 'bpfEnabled'],
    ['wireguardEnabledv6', 'wireguardEnabledV6'],
    ['vxlanVni', 'vxlanVNI'],
  ] as const;
  for (const [field, meant] of cases) {
    const found = problems(written(kind, { [field]: 1 }));
    t.deepEqual(
      found.map(({ path }) => path),
      [`spec.${field}`],
    );
    t.true(found[0]?.allowed.endsWith(`did you mean ${meant}?`), found[0]?.allowed);
  }
  t.regex(problems(written(kind, { dampening: true }))[0]?.allowed ?? '', /margay\.io\/dampening/);
  t.deepEqual(problems(written(kind, 5)).map(describeProblem), ['spec: 5 is not a map of fields']);
});

test('what kubectl shows of a running cluster is taken as it is', t => {
  const document = parse(`
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata:
  annotations:
    operator.tigera.io/bpfEnabled: "false"
  creationTimestamp: "2024-03-05T08:11:42Z"
  generation: 3
  name: default
  resourceVersion: "81244"
  uid: 4c7b8a5e-6f0b-4f2c-9a38-0d5e1b0b7a11
spec:
  bpfConnectTimeLoadBalancing: TCP
  bpfEnabled: false
  bpfHostNetworkedNATWithoutCTLB: Enabled
  bpfLogLevel: ""
  externalNodesList:
  - 203.0.113.7
  failsafeInboundHostPorts:
  - net: 10.0.0.0/8
    port: 22
    protocol: tcp
  - port: 179
  floatingIPs: Disabled
  healthPort: 9099
  ipipEnabled: true
  ipipMTU: 1440
  iptablesBackend: Auto
  iptablesMarkMask: 4294901760
  kubeNodePortRanges:
  - 30000:32767
  logSeverityScreen: Info
  natPortRange: 32768:65535
  nftablesMode: Disabled
  prometheusMetricsEnabled: true
  reportingInterval: 0s
  routeTableRange:
    max: 250
    min: 1
  vxlanVNI: 4096
  wireguardEnabled: false
  workloadSourceSpoofing: Disabled
`);
  const parsed = parseResource(document);
  t.deepEqual(parsed.kind === 'ok' ? serialiseResource(parsed.resource).spec : parsed.problems, {
    ...document.spec,
    externalNodesList: ['203.0.113.7/32'],
    failsafeInboundHostPorts: [
      { protocol: 'TCP', port: 22, net: '10.0.0.0/8' },
      { protocol: 'TCP', port: 179 },
    ],
  });
});
