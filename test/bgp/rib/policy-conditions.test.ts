import test from 'ava';
import { matchesPath } from '../../../bgp/rib/policy-conditions.js';

const through = (pattern: string, name: string | undefined) =>
  matchesPath(
    { within: undefined, source: 'any', interface: pattern, action: 'accept', reason: '' },
    { kind: 'ebgp', peer: 'a', attributes: {}, localPref: 100, interface: name },
  );

test('an interface is matched by its name, and "*" stands for anything', t => {
  for (const [pattern, name] of [
    ['eth0', 'eth0'],
    ['*', 'eth0'],
    ['eth*', 'eth0'],
    ['eth*', 'eth'],
    ['*.calico', 'vxlan.calico'],
    ['e*0', 'eth0'],
    ['*th*', 'eth0'],
    ['e*t*0', 'eth0'],
    ['a*b*b', 'axbxb'],
  ] as const) {
    t.true(through(pattern, name), `${pattern} ${name}`);
  }
  for (const [pattern, name] of [
    ['eth0', 'eth01'],
    ['eth0', undefined],
    ['*', undefined],
    ['eth*', 'weth0'],
    ['*.calico', 'vxlan.calico2'],
    ['ab*ba', 'aba'],
    ['a*b*b', 'ab'],
    ['e*x*0', 'eth0'],
    ['et.0', 'eth0'],
  ] as const) {
    t.false(through(pattern, name), `${pattern} ${name}`);
  }
});

test('a route is of a peer by its key; one of our own is of none', t => {
  const from = (pattern: string, peer: string | undefined) =>
    matchesPath(
      { within: undefined, source: 'any', peer: pattern, action: 'accept', reason: '' },
      {
        kind: peer === undefined ? 'own' : 'ibgp',
        peer,
        attributes: {},
        localPref: 100,
        interface: undefined,
      },
    );
  t.true(from('Mesh_*', 'Mesh_10_0_0_1'));
  t.true(from('tor', 'tor'));
  t.false(from('Mesh_*', 'Node_10_0_0_1'));
  t.false(from('*', undefined));
});
