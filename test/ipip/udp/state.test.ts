import test from 'ava';
import fc from 'fast-check';
import type { Ipv4Address } from '../../../core/ip-address.js';
import type { Ipv4Prefix } from '../../../core/prefix.js';
import { deviceNames } from '../../../ipip/tunnel-devices.js';
import {
  DEFAULT_UDP_PORT,
  decodeUdpState,
  encodeUdpState,
  type TunnelState,
} from '../../../ipip/udp/state.js';

const state: TunnelState = {
  device: { name: deviceNames.udp, mtu: 1472 },
  port: DEFAULT_UDP_PORT,
  local: '10.0.0.1' as Ipv4Address,
  tunnelAddress: '10.244.1.0' as Ipv4Address,
  routes: [['10.244.2.0/24' as Ipv4Prefix, '10.0.0.2' as Ipv4Address]],
  knownHosts: ['10.0.0.2' as Ipv4Address],
};
const text =
  '{"version":1,"device":{"name":"margay.udp","mtu":1472},"port":8285,"local":"10.0.0.1","tunnelAddress":"10.244.1.0","routes":[["10.244.2.0/24","10.0.0.2"]],"knownHosts":["10.0.0.2"]}\n';

test('the text is what the documentation shows, there and back', t => {
  t.is(encodeUdpState(state), text);
  t.deepEqual(decodeUdpState(text), { kind: 'ok', state });
  const without: TunnelState = { ...state, tunnelAddress: undefined };
  t.true(encodeUdpState(without).includes('"tunnelAddress":null'));
  t.deepEqual(decodeUdpState(encodeUdpState(without)), { kind: 'ok', state: without });
});

test('no device: nothing is to be done, whatever else stands there', t => {
  t.is(encodeUdpState({ device: undefined }), '{"version":1,"device":null}\n');
  const idle = { kind: 'ok', state: { device: undefined } };
  t.deepEqual(decodeUdpState('{"version":1,"device":null}'), idle);
  t.deepEqual(decodeUdpState('{"version":1,"device":null,"port":"?","routes":7}'), idle);
});

test('a field that is not known here is left alone', t => {
  t.deepEqual(decodeUdpState(text.replace('{', '{"colour":"red",')), { kind: 'ok', state });
});

test('half a file is never taken for a whole one', t => {
  for (let length = 0; length < text.length - 2; length++) {
    t.is(decodeUdpState(text.slice(0, length)).kind, 'invalid', `${length} characters`);
  }
});

test('another version is refused by its number', t => {
  for (const version of ['2', '0', '"1"', 'null']) {
    const found = decodeUdpState(text.replace('"version":1', `"version":${version}`));
    t.true(found.kind === 'invalid' && found.problems[0]!.startsWith(`version: ${version} `), version);
  }
  t.is(decodeUdpState('{}').kind, 'invalid');
});

for (const [from, to, field, value] of [
  ['"mtu":1472', '"mtu":60', 'device.mtu', '60'],
  ['"mtu":1472', '"mtu":65508', 'device.mtu', '65508'],
  ['"name":"margay.udp"', '"name":"a/b"', 'device.name', '"a/b"'],
  ['"name":"margay.udp"', '"name":"sixteen-letters-"', 'device.name', '"sixteen-letters-"'],
  ['"device":{"name":"margay.udp","mtu":1472}', '"device":7', 'device', '7'],
  ['"device":{"name":"margay.udp","mtu":1472},', '', 'device', 'nothing'],
  ['8285', '0', 'port', '0'],
  ['8285', '"8285"', 'port', '"8285"'],
  ['"local":"10.0.0.1"', '"local":"10.0.0.01"', 'local', '"10.0.0.01"'],
  ['"local":"10.0.0.1"', '"local":null', 'local', 'null'],
  ['"10.244.1.0"', '"fd00::1"', 'tunnelAddress', '"fd00::1"'],
  ['"10.244.2.0/24"', '"10.244.2.1/24"', 'routes[0][0]', '"10.244.2.1/24"'],
  ['"10.244.2.0/24"', '"fd00::/64"', 'routes[0][0]', '"fd00::/64"'],
  ['["10.244.2.0/24","10.0.0.2"]', '["10.244.2.0/24"]', 'routes[0]', '["10.244.2.0/24"]'],
  ['"knownHosts":["10.0.0.2"]', '"knownHosts":"10.0.0.2"', 'knownHosts', '"10.0.0.2"'],
] as const) {
  test(`${to === '' ? 'no device' : to} is refused by field and value`, t => {
    const found = decodeUdpState(text.replace(from, to));
    t.is(found.kind, 'invalid');
    if (found.kind !== 'invalid') return;
    t.deepEqual(
      found.problems.filter(problem =>
        problem.startsWith(value === 'nothing' ? `${field} is missing: ` : `${field}: ${value} is not `),
      ),
      found.problems,
    );
    t.is(found.problems.length, 1, found.problems.join('\n'));
  });
}

test('all that is wrong is said at once', t => {
  const found = decodeUdpState(text.replace('8285', '0').replace('"10.0.0.1"', '1'));
  t.is(found.kind === 'invalid' && found.problems.length, 2);
});

test('whatever the text, there is an answer and never an exception', t => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), any => {
      decodeUdpState(any);
      decodeUdpState(`{"version":1,"device":{"name":"x","mtu":1400},"routes":${any}}`);
      t.pass();
    }),
    { numRuns: 3000 },
  );
});
