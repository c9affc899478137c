import test from 'ava';
import { readsAs, refuses } from './written.js';

test('a configuration with everything keeps it', t => {
  readsAs(t, 'BGPConfiguration', {});
  readsAs(t, 'BGPConfiguration', {
    logSeverityScreen: 'Info',
    nodeToNodeMeshEnabled: true,
    asNumber: 65000,
    listenPort: 1179,
    bindMode: 'NodeIP',
    communities: [
      { name: 'ours', value: '65535:65535' },
      { name: 'large', value: '4294967295:0:1' },
    ],
    prefixAdvertisements: [{ cidr: '10.244.0.0/16', communities: ['ours', '64512:1'] }],
    serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
    serviceExternalIPs: [{ cidr: '192.0.2.0/24' }],
    serviceLoadBalancerIPs: [{ cidr: 'fd00::/64' }],
    serviceLoadBalancerAggregation: 'Disabled',
    nodeMeshMaxRestartTime: '2m30s',
    nodeMeshPassword: { secretKeyRef: { name: 'bgp', key: 'password' } },
    ignoredInterfaces: ['docker0'],
    programClusterRoutes: 'EnabledNoEncapOnly',
    ipv4NormalRoutePriority: 2147483647,
  });
});

test('the bounds of ports', t => {
  for (const listenPort of [1, 65535]) readsAs(t, 'BGPConfiguration', { listenPort });
  const allowed = 'a whole number from 1 to 65535';
  refuses(
    t,
    'BGPConfiguration',
    [0, 65536, -179, 179.5, '179', true].map(value => [
      { listenPort: value },
      'listenPort',
      JSON.stringify(value),
      allowed,
    ]),
  );
});

test('each wrong value is named with what is allowed', t => {
  const community = 'a community such as 64512:100 or 64512:1:2';
  const value = (text: unknown) => ({ communities: [{ name: 'a', value: text }] });
  refuses(t, 'BGPConfiguration', [
    [{ logSeverityScreen: 'info' }, 'logSeverityScreen', '"info"', /Trace, Debug, Info/],
    [{ nodeToNodeMeshEnabled: 'false' }, 'nodeToNodeMeshEnabled', '"false"', 'true or false'],
    [{ asNumber: 0 }, 'asNumber', '0', /1 to 4294967295/],
    [{ bindMode: 'All' }, 'bindMode', '"All"', 'one of None, NodeIP'],
    [{ communities: { a: '1:1' } }, 'communities', '{"a":"1:1"}', 'a list'],
    [{ communities: [{ value: '1:1' }] }, 'communities[0].name', 'nothing', 'a text'],
    [value('64512'), 'communities[0].value', '"64512"', community],
    [value('65536:1'), 'communities[0].value', '"65536:1"', community],
    [value('1:4294967296:1'), 'communities[0].value', '"1:4294967296:1"', community],
    [value('1:2:3:4'), 'communities[0].value', '"1:2:3:4"', community],
    [value(64512), 'communities[0].value', '64512', community],
    [
      { prefixAdvertisements: [{ cidr: '10.0.0.0/8' }] },
      'prefixAdvertisements[0].communities',
      'nothing',
      'a list',
    ],
    [
      { prefixAdvertisements: [{ cidr: '10.0.0.1/8', communities: [] }] },
      'prefixAdvertisements[0].cidr',
      '"10.0.0.1/8"',
      /without host bits/,
    ],
    [{ serviceClusterIPs: ['10.96.0.0/12'] }, 'serviceClusterIPs[0]', '"10.96.0.0/12"', 'a map of fields'],
    [{ serviceClusterIPs: '10.96.0.0/12' }, 'serviceClusterIPs', '"10.96.0.0/12"', 'a list of { cidr }'],
    [{ nodeMeshMaxRestartTime: '120' }, 'nodeMeshMaxRestartTime', '"120"', 'a duration such as 90s or 1m30s'],
    [{ nodeMeshMaxRestartTime: 120 }, 'nodeMeshMaxRestartTime', '120', 'a duration such as 90s or 1m30s'],
    [{ nodeMeshPassword: 'secret' }, 'nodeMeshPassword', '(not shown)', 'a map of fields'],
    [
      { nodeToNodeMeshEnabled: false, nodeMeshMaxRestartTime: '60s' },
      'nodeMeshMaxRestartTime',
      '"60s"',
      /beside nodeToNodeMeshEnabled false/,
    ],
    [{ programClusterRoutes: 'Yes' }, 'programClusterRoutes', '"Yes"', /Disabled, Enabled, EnabledIPIPOnly/],
    [{ ignoredInterfaces: 'docker0' }, 'ignoredInterfaces', '"docker0"', 'a list'],
    [{ ipv4NormalRoutePriority: 0 }, 'ipv4NormalRoutePriority', '0', /from 1 to 2147483647/],
  ]);
});
