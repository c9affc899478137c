import test from 'ava';
import { OwnAddresses } from '../../../bgp/speaker/own-addresses.js';
import type { IpAddress } from '../../../core/ip-address.js';

const ip = (text: string) => text as IpAddress;

test('an end that many sessions share is ours until the last of them is forgotten', t => {
  const own = new OwnAddresses();
  own.tell([ip('10.0.0.9')]);
  t.true(own.ofSession('a', ip('10.0.0.1')));
  t.false(own.ofSession('b', ip('10.0.0.1')));
  t.false(own.ofSession('b', ip('10.0.0.1')));
  t.deepEqual(own.all, ['10.0.0.9', '10.0.0.1']);
  t.true(own.ofSession('b', ip('10.0.0.2')));
  t.true(own.ofSession('b', ip('10.0.0.1')), 'one is gone');
  t.false(own.forget('a'));
  t.false(own.forget('a'));
  t.deepEqual(own.all, ['10.0.0.9', '10.0.0.1']);
  t.true(own.forget('b'));
  t.deepEqual(own.all, ['10.0.0.9']);
});
