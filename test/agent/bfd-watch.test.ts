import test, { type ExecutionContext } from 'ava';
import type { BfdHostHandler } from '../../agent/bfd-host.js';
import { BfdSessions, defaultBfdTimers } from '../../agent/bfd-sessions.js';
import { BfdWatch } from '../../agent/bfd-watch.js';
import type { BfdCommand, BfdSessionConfig } from '../../bgp/bfd/contract.js';
import type { PeerConfig, PeerStatus, SpeakerCommand } from '../../bgp/speaker/contract.js';
import { peerDefaults } from '../../bgp/speaker/defaults.js';
import { bfdSession, peerStatus } from './control/fake-backend.js';

const peer = (key: string, more: object = {}): PeerConfig => ({
  ...peerDefaults,
  key,
  address: '10.0.0.2' as never,
  asn: 64512 as never,
  families: ['ipv4-unicast'],
  localAddress: '10.0.0.1' as never,
  bfd: { strict: false },
  ...more,
});

const set = (key: string, more: object = {}): SpeakerCommand => ({ kind: 'set-peer', peer: peer(key, more) });

const session: BfdSessionConfig = {
  key: '10.0.0.2',
  address: '10.0.0.2' as never,
  localAddress: '10.0.0.1' as never,
  interface: undefined,
  multihop: true,
  minTxMs: 300,
  minRxMs: 300,
  multiplier: 3,
  administrativeState: 'up',
};

test('only a peer that asks for BFD gets a session; it goes with the wish or with the peer', t => {
  const sessions = new BfdSessions(defaultBfdTimers);
  t.deepEqual(sessions.onCommand(set('a', { bfd: undefined })), []);
  t.deepEqual(sessions.onCommand(set('a')), [{ kind: 'set-session', session }]);
  t.deepEqual(sessions.onCommand(set('a')), []);
  t.deepEqual(sessions.onCommand(set('a', { bfd: undefined })), [
    { kind: 'remove-session', key: '10.0.0.2' },
  ]);
  sessions.onCommand(set('a'));
  t.deepEqual(sessions.onCommand({ kind: 'remove-peer', key: 'a' }), [
    { kind: 'remove-session', key: '10.0.0.2' },
  ]);
  t.deepEqual(sessions.commands(), []);
});

test('a peer may ask for timers of its own', t => {
  const sessions = new BfdSessions(defaultBfdTimers);
  t.deepEqual(sessions.onCommand(set('a', { bfd: { strict: true, intervalMs: 100, multiplier: 5 } })), [
    { kind: 'set-session', session: { ...session, minTxMs: 100, minRxMs: 100, multiplier: 5 } },
  ]);
  t.deepEqual(sessions.onCommand(set('a', { bfd: { strict: true, multiplier: 2 } })), [
    { kind: 'set-session', session: { ...session, multiplier: 2 } },
  ]);
});

test('a peer in a subnet of ours, on an interface or with a link-local address is one hop away', t => {
  const oneHop = (more: object) => {
    const [command] = new BfdSessions(defaultBfdTimers).onCommand(set('a', more));
    return command?.kind === 'set-session' && !command.session.multihop;
  };
  t.false(oneHop({}));
  t.false(oneHop({ sharedSubnets: ['10.0.1.0/24'] }));
  t.true(oneHop({ sharedSubnets: ['10.0.0.0/24'] }));
  t.true(oneHop({ interface: 'eth0' }));
  t.true(oneHop({ address: 'fe80::2', localAddress: undefined }));
});

test('peers with one address share a session; it is up as long as one of them is', t => {
  const sessions = new BfdSessions(defaultBfdTimers);
  sessions.onCommand(set('a'));
  t.deepEqual(sessions.onCommand(set('b', { port: 1179 })), []);
  t.deepEqual(sessions.onCommand(set('a', { administrativeState: 'down' })), []);
  t.deepEqual(sessions.onCommand(set('b', { port: 1179, administrativeState: 'down' })), [
    { kind: 'set-session', session: { ...session, administrativeState: 'down' } },
  ]);
  t.deepEqual(sessions.onCommand({ kind: 'remove-peer', key: 'a' }), []);
  t.is(sessions.onCommand({ kind: 'remove-peer', key: 'b' })[0]?.kind, 'remove-session');
});

test('a peer that moves to another address takes its session along', t => {
  const sessions = new BfdSessions(defaultBfdTimers);
  sessions.onCommand(set('a'));
  const moved = sessions.onCommand(set('a', { address: '10.0.0.3' }));
  t.deepEqual(
    moved.map(({ kind }) => kind),
    ['remove-session', 'set-session'],
  );
  t.is(sessions.commands().length, 1);
});

test('a peer out of a range has a session from its first BGP session on until it is forgotten', t => {
  const sessions = new BfdSessions(defaultBfdTimers);
  const { key: _, address, asn, passive, ...template } = peer('x');
  const range = { key: 'r', prefix: '10.0.0.0/24', asns: 'any', limit: 9, idleRemovalSeconds: 60, template };
  sessions.onCommand({ kind: 'set-peer-range', range } as never);
  const dynamic = (more: Partial<PeerStatus>) =>
    peerStatus({ key: 'd', address: '10.0.0.2', dynamicFrom: 'r', ...more } as never);
  t.deepEqual(sessions.onPeerStatus(dynamic({})), []);
  const up = dynamic({ session: { localAddress: '10.0.0.1' } as never });
  t.deepEqual(sessions.onPeerStatus(up), [{ kind: 'set-session', session }]);
  t.deepEqual(sessions.onPeerStatus(up), []);
  t.deepEqual(sessions.onPeerStatus(dynamic({})), []);
  t.is(sessions.onPeerRemoved('d')[0]?.kind, 'remove-session');
});

function watch(t: ExecutionContext) {
  const told: SpeakerCommand[] = [];
  const sent: BfdCommand[] = [];
  let handler: BfdHostHandler | undefined;
  const note = () => {};
  const bfd = new BfdWatch({
    start: given => {
      handler = given;
      return { send: command => sent.push(command), close: async () => {} };
    },
    tellSpeaker: command => told.push(command),
    changed: () => {},
    log: { debug: note, info: note, warn: note, error: note },
  });
  bfd.onCommand(set('a'));
  t.is(sent.length, 1);
  return { bfd, told, sent, handler: handler! };
}

test('the speaker is told each verdict once, and unknown when there is no session any more', t => {
  const { told, handler } = watch(t);
  const say = (verdict: 'up' | 'down' | 'admin-down' | 'unknown') =>
    handler.report({ kind: 'session-status', session: bfdSession({ verdict }) });
  for (const verdict of ['unknown', 'up', 'up', 'down', 'admin-down', 'unknown', 'up'] as const) say(verdict);
  handler.report({ kind: 'session-removed', key: '10.0.0.2' });
  t.deepEqual(
    told.map(command => (command.kind === 'bfd-status' ? command.state : command.kind)),
    ['up', 'down', 'admin-down', 'unknown', 'up', 'unknown'],
  );
});

test('a thread that dies says nothing against any path, and its successor is told every session', async t => {
  const { bfd, told, handler } = watch(t);
  handler.report({ kind: 'session-status', session: bfdSession() });
  handler.restarted('crash', 1000);
  t.deepEqual(told.at(-1), { kind: 'bfd-status', address: '10.0.0.2' as never, state: 'unknown' });
  t.deepEqual(handler.commands(), [{ kind: 'set-session', session }]);
  t.like((await bfd.view()).sessions[0], { state: 'Down', verdict: 'unknown' });
});

test('people get the counters of now, or what was known last from a thread that has just died', async t => {
  const { bfd, sent, handler } = watch(t);
  t.deepEqual((await bfd.view()).sessions, []);
  handler.report({ kind: 'session-status', session: bfdSession() });
  const asked = bfd.view();
  const query = sent.at(-1);
  t.is(query?.kind, 'query');
  const view = {
    sessions: [bfdSession({ flaps: 7 })],
    discarded: { strangers: 1, wrongTtl: 0, malformed: 0, unseen: 0 },
  };
  if (query?.kind === 'query') handler.report({ kind: 'answer', id: query.id, view });
  t.deepEqual(await asked, view);
  const again = bfd.view();
  handler.restarted('crash', 1000);
  t.is((await again).sessions.length, 1);
});
