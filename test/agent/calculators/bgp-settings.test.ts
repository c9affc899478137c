import test from 'ava';
import { BgpSettingsCalculator } from '../../../agent/calculators/bgp-settings.js';
import type { AgentMode } from '../../../agent/calculators/peer-context.js';
import { SpeakerSettingsCalculator } from '../../../agent/calculators/speaker-settings.js';
import type { BGPConfigurationResource } from '../../../core/resources/resource.js';
import { bgpConfiguration, cidr, node, type State } from '../documents.js';
import { runStateSequence } from './state-sequence.js';

const OWN = 'a';

function conditionsOf(spec: BGPConfigurationResource['spec'], mode: AgentMode = 'node', name = 'default') {
  const calculator = new BgpSettingsCalculator({ nodeName: OWN, mode, routeMetric: 1024 });
  calculator.onChange({ kind: 'changed', resource: bgpConfiguration(name, spec) });
  return calculator.conditions.map(({ objects }) => objects.join(' '));
}

test('each field that is not acted on is said, and none where what it asks for holds', t => {
  const said = (spec: BGPConfigurationResource['spec'], field: keyof typeof spec) =>
    t.deepEqual(conditionsOf(spec), [`BGPConfiguration/default ${field}`], field);
  said({ logSeverityScreen: 'Debug' }, 'logSeverityScreen');
  said({ ignoredInterfaces: ['docker0'] }, 'ignoredInterfaces');
  said({ programClusterRoutes: 'EnabledNoEncapOnly' }, 'programClusterRoutes');
  said({ localWorkloadPeeringIPV4: '10.0.0.1' }, 'localWorkloadPeeringIPV4');
  said({ localWorkloadPeeringIPV6: 'fd00::1' }, 'localWorkloadPeeringIPV6');
  said({ ipv4NormalRoutePriority: 512 }, 'ipv4NormalRoutePriority');
  said({ ipv6NormalRoutePriority: 512 }, 'ipv6NormalRoutePriority');
  t.deepEqual(
    conditionsOf({
      logSeverityScreen: 'Info',
      ignoredInterfaces: [],
      programClusterRoutes: 'Enabled',
      ipv4NormalRoutePriority: 1024,
      serviceClusterIPs: [{ cidr: cidr('10.96.0.0/12') }],
    }),
    [],
  );
});

test('a reflector announces no services; a document that speaks for nobody is said, one for others is theirs', t => {
  const services = { serviceClusterIPs: [{ cidr: cidr('10.96.0.0/12') }], ipv4NormalRoutePriority: 5 };
  t.deepEqual(conditionsOf(services, 'route-reflector'), ['BGPConfiguration/default serviceClusterIPs']);
  t.deepEqual(conditionsOf({}, 'node', 'cluster'), ['BGPConfiguration/cluster']);
  t.deepEqual(conditionsOf({ ignoredInterfaces: ['eth0'] }, 'node', 'node.b'), []);
});

test('the speaker listens on every address of the families of its host, or on the node’s alone', t => {
  const settings = (state: State) => {
    const calculator = new SpeakerSettingsCalculator(OWN);
    for (const resource of state) calculator.onChange({ kind: 'changed', resource });
    return calculator.flush();
  };
  const listen = (state: State) => settings(state)?.listen.map(({ address, port }) => `${address} ${port}`);
  const dual = node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' });
  const bound = bgpConfiguration('default', { bindMode: 'NodeIP', listenPort: 1179 });
  t.deepEqual(listen([]), ['0.0.0.0 179']);
  t.deepEqual(listen([node(OWN, '10.0.0.1/24')]), ['0.0.0.0 179']);
  t.deepEqual(listen([dual]), ['0.0.0.0 179', ':: 179']);
  t.deepEqual(listen([bound]), ['0.0.0.0 1179']);
  t.deepEqual(listen([dual, bound]), ['10.0.0.1 1179', 'fd00::1 1179']);
  t.deepEqual(listen([dual, bound, bgpConfiguration(`node.${OWN}`, { bindMode: 'None' })]), [
    '0.0.0.0 1179',
    ':: 1179',
  ]);
  t.is(settings([node(OWN, '10.0.0.1/24', { cluster: '1.1.1.1' })])?.clusterId as string, '1.1.1.1');
});

test('state sequences: what is said depends on the documents alone', t => {
  const states: State[] = [
    [bgpConfiguration('default', { ignoredInterfaces: ['a'], programClusterRoutes: 'Disabled' })],
    [bgpConfiguration('default', {}), bgpConfiguration('node.a', { localWorkloadPeeringIPV4: 'x' })],
    [bgpConfiguration('node.b', { localWorkloadPeeringIPV4: 'x' }), bgpConfiguration('x', {})],
  ];
  const create = () => {
    const calculator = new BgpSettingsCalculator({ nodeName: OWN, mode: 'node', routeMetric: undefined });
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => calculator.conditions.map(({ objects }) => objects.join(' ')),
    };
  };
  runStateSequence(t, states, create, state => {
    const found: string[] = [];
    for (const one of state) {
      if (one.kind !== 'BGPConfiguration') continue;
      const { name } = one.metadata;
      const id = `BGPConfiguration/${name}`;
      if (name === 'x') found.push(id);
      if (name !== 'default' && name !== 'node.a') continue;
      if (one.spec.ignoredInterfaces !== undefined) found.push(`${id} ignoredInterfaces`);
      if (one.spec.programClusterRoutes !== undefined) found.push(`${id} programClusterRoutes`);
      if (one.spec.localWorkloadPeeringIPV4 !== undefined) found.push(`${id} localWorkloadPeeringIPV4`);
    }
    return found.sort((a, b) => (a < b ? -1 : 1));
  });
});
