import test from 'ava';
import { BfdState, bfdStateNames } from '../../../bgp/bfd/registry.js';
import { type BfdEvent, step } from '../../../bgp/bfd/state-machine.js';

const { adminDown, down, init, up } = BfdState;
const states = [adminDown, down, init, up];

const events: Readonly<Record<string, BfdEvent>> = {
  'peer AdminDown': { kind: 'peer-state', state: adminDown },
  'peer Down': { kind: 'peer-state', state: down },
  'peer Init': { kind: 'peer-state', state: init },
  'peer Up': { kind: 'peer-state', state: up },
  expired: { kind: 'detection-time-expired' },
  disable: { kind: 'disable' },
  enable: { kind: 'enable' },
};

/** By event: the next state for AdminDown, Down, Init and Up, and the diagnostic that is set (RFC 5880 sections 6.2 and 6.8). */
const table: Readonly<Record<keyof typeof events, readonly (readonly [BfdState, number?])[]>> = {
  'peer AdminDown': [[adminDown], [down], [down, 3], [down, 3]],
  'peer Down': [[adminDown], [init], [init], [down, 3]],
  'peer Init': [[adminDown], [up, 0], [up, 0], [up]],
  'peer Up': [[adminDown], [down], [up, 0], [up]],
  expired: [[adminDown], [down], [down, 1], [down, 1]],
  disable: [
    [adminDown, 7],
    [adminDown, 7],
    [adminDown, 7],
    [adminDown, 7],
  ],
  enable: [[down, 0], [down], [init], [up]],
};

test('the table has every event', t => t.deepEqual(Object.keys(table), Object.keys(events)));

for (const [name, event] of Object.entries(events)) {
  for (const [i, state] of states.entries()) {
    const [next, diagnostic] = table[name]![i]!;
    test(`${bfdStateNames[state]}, ${name}: ${bfdStateNames[next]}`, t => {
      t.deepEqual(step(state, event), { state: next, diagnostic });
    });
  }
}
