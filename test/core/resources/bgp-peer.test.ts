import test from 'ava';
import { problems, readsAs, refuses, written } from './written.js';

const tor = { peerIP: '192.0.2.1', asNumber: 65001 };

test('a peer with everything keeps it', t => {
  readsAs(t, 'BGPPeer', tor);
  readsAs(t, 'BGPPeer', { peerSelector: "has(rr) && zone in {'a', 'b'}", nodeSelector: '!has(rr)' });
  readsAs(t, 'BGPPeer', {
    ...tor,
    node: 'a',
    localASNumber: 64999,
    nextHopMode: 'Keep',
    keepOriginalNextHop: true,
    sourceAddress: 'None',
    maxRestartTime: '1h',
    keepaliveTime: '500ms',
    numAllowedLocalASNumbers: 1,
    ttlSecurity: 255,
    reachableBy: '192.0.2.254',
    filters: ['in'],
    password: { secretKeyRef: { name: 'bgp', key: 'tor' } },
    reversePeering: 'Manual',
  });
});

test('the address of a peer, with a port and without', t => {
  for (const peerIP of ['10.0.0.1', '10.0.0.1:1', '10.0.0.1:65535', '2001:db8::1', '[2001:db8::1]:1179']) {
    readsAs(t, 'BGPPeer', { ...tor, peerIP });
  }
  refuses(
    t,
    'BGPPeer',
    ['10.0.0.300', '10.0.0.1:0', '10.0.0.1:65536', '10.0.0.1:', ':179', '[10.0.0.1', 'tor.example', ''].map(
      peerIP => [{ ...tor, peerIP }, 'peerIP', JSON.stringify(peerIP), /with or without a port/],
    ),
  );
  refuses(
    t,
    'BGPPeer',
    ['0.0.0.0', '0.0.0.1:179', '224.0.0.5', '255.255.255.255', '::', '[::]:179', 'ff02::1', 'fe80::1'].map(
      peerIP => [{ ...tor, peerIP }, 'peerIP', JSON.stringify(peerIP), /can be dialled/],
    ),
  );
  refuses(t, 'BGPPeer', [[{ ...tor, peerIP: 10 }, 'peerIP', '10', 'an address, with or without a port']]);
});

test('whom it speaks of is said once', t => {
  refuses(t, 'BGPPeer', [
    [{}, 'peerIP', 'nothing', /peerIP and asNumber, or peerSelector/],
    [{ peerIP: '10.0.0.1' }, 'asNumber', 'nothing', /a peerIP needs it/],
    [{ asNumber: 65001 }, 'peerIP', 'nothing', /peerIP and asNumber/],
    [{ peerSelector: 'all()', peerIP: '10.0.0.1' }, 'peerIP', '"10.0.0.1"', /beside peerSelector/],
    [{ peerSelector: 'all()', asNumber: 1 }, 'asNumber', '1', /beside peerSelector/],
    [{ ...tor, node: 'a', nodeSelector: 'all()' }, 'nodeSelector', '"all()"', /beside node/],
  ]);
  t.deepEqual(problems(written('BGPPeer', { localWorkloadSelector: 'has(bgp)', asNumber: 65001 })), []);
  refuses(t, 'BGPPeer', [[{ localWorkloadSelector: 'has(bgp)' }, 'asNumber', 'nothing', /workloads'/]]);
});

test('each wrong value is named with what is allowed', t => {
  refuses(t, 'BGPPeer', [
    [{ ...tor, asNumber: 4294967296 }, 'asNumber', '4294967296', /1 to 4294967295/],
    [{ ...tor, localASNumber: '0' }, 'localASNumber', '"0"', /1 to 4294967295/],
    [{ ...tor, node: 5 }, 'node', '5', 'a text'],
    [{ ...tor, nodeSelector: 'has(' }, 'nodeSelector', '"has("', /at character \d+/],
    [{ peerSelector: "a == b'" }, 'peerSelector', '"a == b\'"', /at character \d+/],
    [{ ...tor, nextHopMode: 'self' }, 'nextHopMode', '"self"', 'one of Auto, Self, Keep'],
    [{ ...tor, keepOriginalNextHop: 'yes' }, 'keepOriginalNextHop', '"yes"', 'true or false'],
    [{ ...tor, sourceAddress: '10.0.0.1' }, 'sourceAddress', '"10.0.0.1"', 'one of UseNodeIP, None'],
    [{ ...tor, maxRestartTime: '-1s' }, 'maxRestartTime', '"-1s"', /a duration/],
    [{ ...tor, keepaliveTime: 30 }, 'keepaliveTime', '30', /a duration/],
    [{ ...tor, numAllowedLocalASNumbers: 256 }, 'numAllowedLocalASNumbers', '256', /0 to 255/],
    [{ ...tor, ttlSecurity: 0 }, 'ttlSecurity', '0', /1 to 255/],
    [{ ...tor, reachableBy: 'gw' }, 'reachableBy', '"gw"', 'an IP address'],
    [{ ...tor, filters: [1] }, 'filters[0]', '1', 'a name'],
    [
      { ...tor, failureDetectionMode: 'BFD' },
      'failureDetectionMode',
      '"BFD"',
      /None, BFDIfDirectlyConnected/,
    ],
    [{ ...tor, password: { secretKeyRef: { name: 'a' } } }, 'password.secretKeyRef.key', 'nothing', 'a text'],
    [{ ...tor, reversePeering: true }, 'reversePeering', 'true', 'one of Auto, Manual'],
  ]);
});
