/** The table of docs/staying-up.md, cell by cell. */
import test from 'ava';
import type { Cause } from '../../../bgp/fsm/cause.js';
import type { NegotiatedGracefulRestart } from '../../../bgp/fsm/negotiate.js';
import { asSent, keepsRoutes, type RetentionTerms } from '../../../bgp/fsm/retention.js';
import { hardReset, type Notification } from '../../../bgp/wire/notification.js';

const data = new Uint8Array(0);
const notification = (code: number, subcode: number): Notification => ({ code, subcode, data });
const received = (code: number, subcode: number): Cause => ({
  kind: 'notification-received',
  notification: notification(code, subcode),
});
const sent = (code: number, subcode: number): Cause => ({
  kind: 'notification-sent',
  notification: notification(code, subcode),
  detail: '',
});
const stopped = (subcode: number): Cause => ({ kind: 'stopped', subcode, detail: '' });

const plain: NegotiatedGracefulRestart = {
  restartTimeSeconds: 120,
  restarting: false,
  notification: false,
  families: ['ipv4-unicast'],
  forwarding: [],
};
const withN = { ...plain, notification: true };
const restart = (
  gracefulRestart: RetentionTerms['gracefulRestart'],
  holdExpiryKeeps = false,
): RetentionTerms => ({
  gracefulRestart,
  holdExpiryKeeps,
  bfd: undefined,
});

/** What is kept without graceful restart, with it, with the N bit, and with the N bit and `holdExpiryKeeps`. */
const table: readonly (readonly [string, Cause, string])[] = [
  ['TCP breaks', { kind: 'tcp-failed', detail: 'reset' }, 'flush keep keep keep'],
  ['the peer dials anew', { kind: 'peer-restarted' }, 'flush keep keep keep'],
  ['our hold timer', { kind: 'hold-timer-expired' }, 'flush flush flush keep'],
  ["the peer's hold timer", received(4, 0), 'flush flush flush keep'],
  ['our send hold timer', { kind: 'send-hold-timer-expired' }, 'flush flush flush keep'],
  ["the peer's send hold timer", received(8, 0), 'flush flush flush keep'],
  ['an error of ours', received(3, 1), 'flush flush keep keep'],
  ["an error of the peer's", sent(3, 1), 'flush flush keep keep'],
  ['the peer has a change of configuration', received(6, 6), 'flush flush keep keep'],
  ['we have a change of configuration', stopped(6), 'flush flush keep keep'],
  ['an administrative reset of the peer', received(6, 4), 'flush flush keep keep'],
  ['an administrative reset of ours', stopped(4), 'flush flush keep keep'],
  ['an administrative shutdown of the peer that is no Hard Reset', received(6, 2), 'flush flush keep keep'],
  ['an administrative shutdown of ours', stopped(2), 'flush flush flush flush'],
  ['we de-configure the peer', stopped(3), 'flush flush flush flush'],
  ['too many prefixes', stopped(1), 'flush flush flush flush'],
  ['a Hard Reset of the peer', received(6, 9), 'flush flush flush flush'],
  ['BFD goes down', { kind: 'bfd-down' }, 'flush flush flush flush'],
  ['a collision', { kind: 'collision' }, 'flush flush flush flush'],
];

for (const [name, cause, expected] of table) {
  test(`${name}: ${expected} (no graceful restart, graceful restart, N bit, N bit and holdExpiryKeeps)`, t => {
    const terms = [restart(undefined), restart(plain), restart(withN), restart(withN, true)];
    t.is(terms.map(each => (keepsRoutes(cause, each) ? 'keep' : 'flush')).join(' '), expected);
  });
}

test('strict BFD that is not up keeps nothing, whatever the cause; up it changes nothing', t => {
  for (const [name, cause] of table) {
    const terms = restart(withN, true);
    const down = { ...terms, bfd: { strict: true, up: false } };
    const up = { ...terms, bfd: { strict: true, up: true } };
    t.false(keepsRoutes(cause, down), name);
    t.is(keepsRoutes(cause, up), keepsRoutes(cause, terms), name);
  }
});

test('the peer says that its BFD is down: who heeds BFD lets go, who does not keeps (RFC 8538 section 4.1)', t => {
  const terms = restart(withN, true);
  t.true(keepsRoutes(received(6, 10), terms));
  t.false(keepsRoutes(received(6, 10), { ...terms, bfd: { strict: false, up: true } }));
});

test('what is final goes out in a Hard Reset where the N bit is agreed, and only there', t => {
  for (const [code, subcode] of [
    [6, 1],
    [6, 2],
    [6, 3],
    [6, 10],
    [4, 0],
    [8, 0],
  ] as const) {
    const final = notification(code, subcode);
    t.deepEqual(asSent(final, withN, false), hardReset(final), `${code}/${subcode}`);
    t.is(asSent(final, plain, false), final);
    t.is(asSent(final, undefined, false), final);
  }
  for (const [code, subcode] of [
    [1, 1],
    [2, 0],
    [3, 1],
    [5, 3],
    [6, 4],
    [6, 6],
    [6, 8],
  ] as const) {
    const other = notification(code, subcode);
    t.is(asSent(other, withN, false), other, `${code}/${subcode}`);
  }
  t.deepEqual(asSent(notification(4, 0), withN, true), notification(4, 0));
});
