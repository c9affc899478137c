import test from 'ava';
import { type FelixSettings, FelixSettingsCalculator } from '../../../agent/calculators/felix-settings.js';
import { Cluster } from '../../../agent/cluster.js';
import type { Resource } from '../../../core/resources/resource.js';
import { bgpConfiguration, cidr, felixConfiguration, type State } from '../documents.js';
import { runStateSequence } from './state-sequence.js';

const HOST = 'a';
const defaults: FelixSettings = {
  ipipMtu: undefined,
  vxlanMtu: undefined,
  vxlanMtuV6: undefined,
  vxlanPort: 4789,
  vxlanVni: 4096,
  externalNodes: [],
};

function calculatorOf(...resources: readonly Resource[]): FelixSettingsCalculator {
  const calculator = new FelixSettingsCalculator(HOST);
  for (const resource of resources) calculator.onChange({ kind: 'changed', resource });
  return calculator;
}

const messages = (...resources: readonly Resource[]) =>
  calculatorOf(...resources).conditions.map(({ message }) => message);

test("without a document the settings are Calico's defaults", t => {
  t.deepEqual(calculatorOf().settings, defaults);
  t.deepEqual(calculatorOf(felixConfiguration('default', {})).settings, defaults);
  t.deepEqual(calculatorOf(bgpConfiguration('default', { listenPort: 1179 })).settings, defaults);
});

test("the host's own document overrides the cluster's field by field; an MTU of 0 is automatic again", t => {
  const cluster = felixConfiguration('default', {
    ipipMTU: 1440,
    vxlanMTU: 1410,
    vxlanMTUV6: 1380,
    vxlanPort: 8472,
    externalNodesList: [cidr('192.0.2.0/24'), cidr('fd00::1/128'), cidr('192.0.2.0/24')],
  });
  const own = felixConfiguration('node.a', { ipipMTU: 0, vxlanMTU: 8950, vxlanVNI: 5000 });
  const other = felixConfiguration('node.b', { vxlanPort: 1, vxlanVNI: 1, externalNodesList: [] });
  const expected = {
    ipipMtu: undefined,
    vxlanMtu: 8950,
    vxlanMtuV6: 1380,
    vxlanPort: 8472,
    vxlanVni: 5000,
    externalNodes: ['192.0.2.0/24', 'fd00::1/128'],
  };
  t.deepEqual(calculatorOf(cluster, own, other).settings as unknown, expected);
  t.deepEqual(calculatorOf(own, other, cluster).settings as unknown, expected);
  t.is(calculatorOf(cluster, other).settings.ipipMtu, 1440);
  const closed = felixConfiguration('node.a', { externalNodesList: [] });
  t.deepEqual(calculatorOf(cluster, closed).settings.externalNodes, []);
});

test('fields that are set and not acted on are named, for the documents that speak for this host', t => {
  const all = { ipipMTU: 1440, vxlanMTU: 0, vxlanPort: 1, vxlanVNI: 1, externalNodesList: [] };
  t.deepEqual(messages(felixConfiguration('default', all)), []);
  const calculator = calculatorOf(
    felixConfiguration('node.a', { bpfEnabled: false, iptablesLockTimeout: '5s' }),
    felixConfiguration('default', { ...all, wireguardEnabled: true, ipipEnabled: true }),
    felixConfiguration('node.b', { bpfEnabled: true }),
  );
  t.deepEqual(calculator.conditions, [
    {
      key: 'felix-fields FelixConfiguration/default',
      severity: 'warning',
      message:
        'FelixConfiguration/default sets ipipEnabled, wireguardEnabled: this version does not act on them',
      objects: ['FelixConfiguration/default'],
    },
    {
      key: 'felix-fields FelixConfiguration/node.a',
      severity: 'warning',
      message:
        'FelixConfiguration/node.a sets bpfEnabled, iptablesLockTimeout: this version does not act on them',
      objects: ['FelixConfiguration/node.a'],
    },
  ]);
  calculator.onChange({ kind: 'deleted', id: { kind: 'FelixConfiguration', name: 'default' } });
  t.deepEqual(
    calculator.conditions.map(({ objects }) => objects),
    [['FelixConfiguration/node.a']],
  );
});

test('a document whose name speaks for no host is named, and changes nothing', t => {
  const calculator = calculatorOf(felixConfiguration('rack-1', { nodeSelector: 'all()', ipipMTU: 1400 }));
  t.deepEqual(
    calculator.conditions.map(({ key, severity }) => [key, severity]),
    [['felix-name FelixConfiguration/rack-1', 'warning']],
  );
  t.deepEqual(calculator.settings, defaults);
});

/** Read off the whole state at once. */
function twin(state: State): unknown {
  const spec = (name: string): Readonly<Record<string, unknown>> =>
    state.flatMap(one =>
      one.kind === 'FelixConfiguration' && one.metadata.name === name ? [one.spec] : [],
    )[0] ?? {};
  const both = { ...spec('default'), ...spec('node.a') };
  const conditions = ['default', 'node.a'].filter(name => 'ipipEnabled' in spec(name));
  return [both.ipipMTU === 0 ? undefined : both.ipipMTU, both.vxlanPort ?? 4789, conditions];
}

test('settings and conditions depend on what is there alone, however it was told', t => {
  const states: State[] = [
    [felixConfiguration('default', { ipipMTU: 1440, ipipEnabled: true })],
    [
      felixConfiguration('default', { ipipMTU: 1440, vxlanPort: 8472 }),
      felixConfiguration('node.a', { ipipMTU: 0, ipipEnabled: false }),
    ],
    [felixConfiguration('node.a', { ipipMTU: 9000 }), felixConfiguration('node.b', { ipipEnabled: true })],
    [],
  ];
  const create = () => {
    const calculator = new FelixSettingsCalculator(HOST);
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => [
        calculator.settings.ipipMtu,
        calculator.settings.vxlanPort,
        calculator.conditions.map(({ objects }) => objects[0]?.split('/')[1]),
      ],
    };
  };
  runStateSequence(t, states, create, twin);
});

test("the cluster shows both: settings to whoever makes tunnels, conditions among the others'", t => {
  const gracefulRestart = {
    restartTimeSeconds: 120,
    staleTimeSeconds: 120,
    selectionDeferralSeconds: 120,
    forwardingPreserved: [],
  };
  const cluster = new Cluster({ nodeName: HOST, gracefulRestart, restarting: false });
  const resource = felixConfiguration('default', { vxlanVNI: 7, ipipEnabled: true });
  cluster.onChange({ kind: 'changed', resource });
  t.is(cluster.felix.settings.vxlanVni, 7);
  t.deepEqual(
    cluster.conditions.map(({ key }) => key),
    ['felix-fields FelixConfiguration/default'],
  );
});
