import test from 'ava';
import { readsAs, refuses } from './written.js';

const block = { node: 'a', cidr: '10.244.1.0/26', state: 'confirmed' };

test('an affinity in each state keeps it', t => {
  for (const state of ['confirmed', 'pending', 'pendingDeletion']) {
    readsAs(t, 'BlockAffinity', { ...block, state });
  }
  readsAs(t, 'BlockAffinity', { ...block, type: 'host' });
});

test('Calico writes "deleted" as a text', t => {
  for (const [deleted, expected] of [
    ['true', true],
    ['false', false],
    [true, true],
    [false, false],
  ]) {
    readsAs(t, 'BlockAffinity', { ...block, deleted }, { ...block, deleted: expected });
  }
  readsAs(t, 'BlockAffinity', { ...block, deleted: null }, block);
});

test('each wrong value is named with what is allowed', t => {
  refuses(t, 'BlockAffinity', [
    [{ ...block, node: undefined }, 'node', 'nothing', 'a text'],
    [{ ...block, node: 3 }, 'node', '3', 'a text'],
    [{ ...block, cidr: undefined }, 'cidr', 'nothing', /a prefix such as/],
    [{ ...block, cidr: '10.244.1.1/26' }, 'cidr', '"10.244.1.1/26"', /10\.244\.1\.0\/26 is/],
    [{ ...block, state: 'Confirmed' }, 'state', '"Confirmed"', 'one of confirmed, pending, pendingDeletion'],
    [{ ...block, state: undefined }, 'state', 'nothing', /^one of/],
    [{ ...block, deleted: 'yes' }, 'deleted', '"yes"', 'true or false'],
    [{ ...block, deleted: 1 }, 'deleted', '1', 'true or false'],
    [{ ...block, type: {} }, 'type', '{}', 'a text'],
  ]);
});
