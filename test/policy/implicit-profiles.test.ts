/** Profiles that nobody writes. */
import test from 'ava';
import { defaultAllowProfile, implicitProfileOf } from '../../policy/implicit-profiles.js';

test('a namespace has a profile that lets everything through both ways, and nothing else has one', t => {
  const profile = implicitProfileOf({ kind: 'Namespace', name: 'shop' });
  t.is(profile?.metadata.name, 'kns.shop');
  t.deepEqual(
    profile?.spec.ingress.map(({ action }) => action),
    ['Allow'],
  );
  t.deepEqual(profile?.spec, defaultAllowProfile.spec);
  t.is(implicitProfileOf({ kind: 'Profile', name: 'shop' }), undefined);
  t.is(implicitProfileOf({ kind: 'ServiceAccount', namespace: 'shop', name: 'web' }), undefined);
});

test('the profile of workloads without policy is Calico’s by name', t => {
  t.is(defaultAllowProfile.metadata.name, 'projectcalico-default-allow');
  t.is(defaultAllowProfile.spec.egress.length, 1);
});
