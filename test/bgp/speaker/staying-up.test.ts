/**
 * What becomes of a peer's routes when it is lost, by what is lost and by what is configured (docs/staying-up.md): each pair with a
 * process that dies and with a cable that is cut.
 */
import test from 'ava';
import type { Peer, PeerOptions, Speaker } from '../../../bgp/index.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { acceptAll, join, newWorld, prefixesOf, type World } from './memory.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const ends = { a: A, b: B, asA: 64512, asB: 64512 };
const HOLD_SECONDS = 9;
const RESTART_SECONDS = 120;
/** BFD's default of 300 ms three times over. */
const BFD_MS = 900;

interface Pair extends World {
  readonly a: Speaker;
  readonly toB: Peer;
  readonly b: Speaker;
  readonly toA: Peer;
  /** How long a's route from b lives on from now, in seconds of `stepMs`; undefined if it is there after `limitSeconds`. */
  livesOn(limitSeconds: number, stepMs?: number): number | undefined;
}

function established(more: Partial<PeerOptions>, before: (a: Speaker, b: Speaker) => void = () => {}): Pair {
  const world = newWorld();
  const a = world.speaker(A, 64512);
  const b = world.speaker(B, 64512);
  before(a, b);
  const [toB, toA] = join(a, b, { ...ends, more: { holdTimeSeconds: HOLD_SECONDS, ...more } });
  b.announce('10.244.2.0/24');
  world.clock.advance(10_000);
  if (prefixesOf(a).length !== 1) throw new Error('no route to begin with');
  const livesOn = (limitSeconds: number, stepMs = 100) => {
    for (let ms = 0; ms <= limitSeconds * 1000; ms += stepMs) {
      if (prefixesOf(a).length === 0) return ms / 1000;
      world.clock.advance(stepMs);
    }
    return undefined;
  };
  return { ...world, a, toB, b, toA, livesOn };
}

/** b's process dies: its kernel resets the connection, and refuses new ones. */
function kill({ network }: Pair): void {
  network.resetConnections(A as IpAddress, B as IpAddress);
  network.cutLink(A as IpAddress, B as IpAddress);
}

function cut({ network }: Pair): void {
  network.cutLink(A as IpAddress, B as IpAddress);
}

const bfdUp = (a: Speaker, b: Speaker) => {
  a.setBfdState(B, 'up');
  b.setBfdState(A, 'up');
};

/** Losses and the time until a's route from b goes, about. */
const cells: readonly (readonly [string, Partial<PeerOptions>, number, number])[] = [
  ['as in the mesh', { holdExpiryKeeps: false }, RESTART_SECONDS, HOLD_SECONDS],
  ['holdExpiryKeeps', { holdExpiryKeeps: true }, RESTART_SECONDS, HOLD_SECONDS + RESTART_SECONDS],
  ['holdExpiryKeeps without the N bit', { notificationRestart: false }, RESTART_SECONDS, HOLD_SECONDS],
  ['a restart time of its own', { restartTimeSeconds: 20, holdExpiryKeeps: false }, 20, HOLD_SECONDS],
];

for (const [name, more, afterKill, afterCut] of cells) {
  test(`${name}: after a kill the routes live ${afterKill} s, after a cut ${afterCut} s`, t => {
    const killed = established(more);
    kill(killed);
    t.is(killed.toB.status().routes.stale, 1);
    near(t, killed.livesOn(300), afterKill);
    const gone = established(more);
    cut(gone);
    near(t, gone.livesOn(300), afterCut);
  });
}

function near(
  t: { true(value: boolean, message?: string): void },
  seconds: number | undefined,
  about: number,
) {
  // The last message may have come up to a keepalive ago.
  t.true(
    seconds !== undefined && seconds <= about + 0.2 && seconds >= about - 3.2,
    `${seconds} s, not ${about} s`,
  );
}

for (const strict of [false, true]) {
  for (const holdExpiryKeeps of [false, true]) {
    const terms = `${strict ? 'strict BFD' : 'BFD'}${holdExpiryKeeps ? ' with holdExpiryKeeps' : ''}`;

    test(`${terms}, cable cut: BFD is down with TCP up: the routes go at once, the session ends with 6/10`, t => {
      const pair = established({ bfd: { strict }, holdExpiryKeeps }, bfdUp);
      cut(pair);
      pair.clock.advance(BFD_MS);
      t.is(prefixesOf(pair.a).length, 1);
      pair.a.setBfdState(B, 'down');
      t.is(pair.livesOn(1, 1), 0);
      const { lastNotificationSent, routes, info } = pair.toB.status();
      t.like(lastNotificationSent, { code: 6, subcode: 9, words: '6/9 hard reset: 6/10 BFD down' });
      t.is(routes.stale, 0);
      t.regex(info, /BFD/);
    });

    test(`${terms}, kill: BFD is down after TCP was lost: ${strict ? 'the routes go then' : 'graceful restart goes on'}`, t => {
      const pair = established({ bfd: { strict }, holdExpiryKeeps }, bfdUp);
      kill(pair);
      pair.clock.advance(BFD_MS);
      t.is(prefixesOf(pair.a).length, 1, 'BFD vouches for what is forwarded until it is down');
      pair.a.setBfdState(B, 'down');
      if (strict) t.is(pair.livesOn(1, 1), 0);
      else near(t, pair.livesOn(300), RESTART_SECONDS);
    });
  }
}

test('strict BFD that nobody hears of at the time of the loss does not keep the routes', t => {
  const pair = established({ bfd: { strict: true } }, bfdUp);
  pair.a.setBfdState(B, 'unknown');
  t.is(pair.toB.status().state, 'Established');
  kill(pair);
  t.is(pair.livesOn(1, 1), 0);
});

test('a strict session waits for BFD, says so, and does not answer the peer before', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker(A, 64512), speaker(B, 64512)];
  const toB = a.addPeer({ address: B, asn: 64512, localAddress: A, bfd: { strict: true } });
  b.addPeer({ address: A, asn: 64512, localAddress: B });
  clock.advance(30_000);
  t.like(toB.status(), {
    state: 'Idle',
    info: 'waits for BFD (strict), which is not there yet',
    bfd: 'unknown',
  });
  a.setBfdState(B, 'down');
  clock.advance(30_000);
  t.like(toB.status(), { state: 'Idle', info: 'waits for BFD (strict), which is down' });
  a.setBfdState(B, 'up');
  clock.advance(30_000);
  t.like(toB.status(), { state: 'Established', bfd: 'up' });
  a.setBfdState(B, 'down');
  clock.advance(60_000);
  t.is(toB.status().state, 'Idle');
  a.setBfdState(B, 'admin-down');
  clock.advance(30_000);
  t.is(toB.status().state, 'Established', 'switched off on purpose (RFC 5882 section 4.3)');
});

test('BFD that is not strict hinders no session, and one that never came up ends none', t => {
  const pair = established({ bfd: { strict: false } });
  pair.a.setBfdState(B, 'down');
  pair.clock.advance(1000);
  t.like(pair.toB.status(), { state: 'Established', bfd: 'down' });
  const off = established({}, bfdUp);
  off.a.setBfdState(B, 'down');
  off.clock.advance(1000);
  t.like(off.toB.status(), { state: 'Established', bfd: undefined });
});

test('a peer becomes strict, and not so again, without a reset of its session', t => {
  const pair = established({}, bfdUp);
  const options = { address: B, asn: 64512, localAddress: A, holdTimeSeconds: HOLD_SECONDS };
  const strict = pair.a.addPeer({ ...options, bfd: { strict: true } });
  t.like(strict.status(), { state: 'Established', bfd: 'up' });
  pair.a.setBfdState(B, 'down');
  t.is(strict.status().state, 'Idle');
  const loose = pair.a.addPeer(options);
  pair.clock.advance(20_000);
  t.is(loose.status().state, 'Established');
});

test('an error in an UPDATE ends the session and keeps the routes where the N bit is agreed (RFC 8538)', t => {
  for (const notificationRestart of [true, false]) {
    const pair = established({ notificationRestart });
    t.is(pair.toB.status().session?.gracefulRestart?.notification, notificationRestart);
    pair.toA.clear('hard', 'new cable');
    pair.clock.advance(2);
    t.is(prefixesOf(pair.a).length, notificationRestart ? 1 : 0);
    t.is(pair.toB.status().lastNotificationReceived?.words, '6/4 administrative reset: new cable');
    pair.clock.advance(30_000);
    t.like(pair.toB.status(), { state: 'Established', routes: { received: 1, stale: 0 } });
  }
});

test('a reset by hand interrupts nothing at either end', t => {
  const pair = established({});
  pair.a.announce('10.244.1.0/24');
  pair.clock.advance(100);
  pair.toB.clear('hard');
  for (let ms = 0; ms < 10_000; ms++) {
    pair.clock.advance(1);
    if (prefixesOf(pair.a).length < 2 || prefixesOf(pair.b).length < 2) t.fail(`after ${ms} ms`);
  }
  t.like(pair.toB.status(), { state: 'Established', counters: { established: 2 } });
});

test('both ends let go when the hold timer of one of them expires in the mesh', t => {
  const pair = established({ holdExpiryKeeps: false });
  pair.a.announce('10.244.1.0/24');
  pair.clock.advance(100);
  // What b says arrives nowhere; what a says still arrives.
  pair.network.stopReading(A as IpAddress);
  pair.clock.advance(HOLD_SECONDS * 1000 + 3500);
  t.is(prefixesOf(pair.a).filter(route => route.startsWith('10.244.2.')).length, 0);
  t.is(prefixesOf(pair.b).filter(route => route.startsWith('10.244.1.')).length, 0);
  t.is(pair.toA.status().lastNotificationReceived?.words, '6/9 hard reset: 4 hold timer expired');
});

for (const [what, more] of [
  ['live', {}],
  ['with what takes a new session', { extendedMessages: true }],
] as const) {
  test(`a policy that changes ${what} while the peer is away counts for its stale routes`, t => {
    const pair = established({});
    const again = { address: B, asn: 64512, localAddress: A, holdTimeSeconds: HOLD_SECONDS, ...more };
    kill(pair);
    t.is(prefixesOf(pair.a).length, 1);
    pair.a.addPeer({ ...again, import: () => 'reject', export: () => 'accept' });
    pair.clock.advance(10);
    t.deepEqual(prefixesOf(pair.a), []);
    t.is(pair.toB.status().routes.stale, 1, 'it is kept, and judged');
    pair.a.addPeer({ ...again, ...acceptAll });
    pair.clock.advance(10);
    t.is(prefixesOf(pair.a).length, 1);
  });
}
