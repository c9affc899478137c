import test from 'ava';
import { SpeakerReplay } from '../../agent/speaker-replay.js';
import type {
  NextHopStatus,
  OriginatedRoute,
  PeerConfig,
  PeerRangeConfig,
  SpeakerCommand,
  SpeakerConfig,
} from '../../bgp/speaker/contract.js';
import { speakerDefaults } from '../../bgp/speaker/defaults.js';
import { asn } from './documents.js';

const config: SpeakerConfig = {
  ...speakerDefaults,
  asn: asn(64512),
  routerId: '10.0.0.1' as never,
  gracefulRestart: {
    restartTimeSeconds: 120,
    staleTimeSeconds: 120,
    selectionDeferralSeconds: 120,
    forwardingPreserved: [],
  },
};
const configure: SpeakerCommand = { kind: 'configure', config };

const peer = (key: string, port = 179) => ({ key, port }) as PeerConfig;
const range = (key: string, limit = 10) => ({ key, limit }) as PeerRangeConfig;
const route = (n: number, med?: number) =>
  ({ prefix: `10.${n >> 8}.${n & 255}.0/24`, med }) as unknown as OriginatedRoute;
const nextHop = (address: string, reachable = true) =>
  ({ nextHop: address, reachable, metric: 0 }) as unknown as NextHopStatus;

function replayOf(...commands: readonly SpeakerCommand[]): readonly SpeakerCommand[] {
  const replay = new SpeakerReplay([]);
  for (const command of commands) replay.remember(command);
  return replay.commands();
}

/** What a speaker would know after these commands. */
function sum(commands: readonly SpeakerCommand[]) {
  const known = {
    peers: new Map<string, PeerConfig>(),
    ranges: new Map<string, PeerRangeConfig>(),
    routes: new Map<string, OriginatedRoute>(),
    nextHops: new Map<string, NextHopStatus>(),
    addresses: [] as readonly string[],
    complete: false,
  };
  for (const command of commands) {
    if (command.kind === 'set-peer') known.peers.set(command.peer.key, command.peer);
    if (command.kind === 'remove-peer') known.peers.delete(command.key);
    if (command.kind === 'set-peer-range') known.ranges.set(command.range.key, command.range);
    if (command.kind === 'remove-peer-range') known.ranges.delete(command.key);
    if (command.kind === 'originate') for (const one of command.routes) known.routes.set(one.prefix, one);
    if (command.kind === 'withdraw') for (const prefix of command.prefixes) known.routes.delete(prefix);
    if (command.kind === 'next-hop-status') {
      for (const one of command.nextHops) known.nextHops.set(one.nextHop, one);
    }
    if (command.kind === 'own-addresses') known.addresses = command.addresses;
    if (command.kind === 'configuration-complete') known.complete = true;
  }
  return known;
}

const told: readonly SpeakerCommand[] = [
  configure,
  { kind: 'own-addresses', addresses: ['10.0.0.1' as never] },
  { kind: 'set-peer', peer: peer('a') },
  { kind: 'set-peer', peer: peer('b') },
  { kind: 'set-peer-range', range: range('racks') },
  { kind: 'set-peer-range', range: range('gone') },
  { kind: 'originate', routes: [route(1), route(2)] },
  { kind: 'configuration-complete' },
  { kind: 'next-hop-status', nextHops: [nextHop('10.0.0.2'), nextHop('10.0.0.3')] },
  { kind: 'set-peer', peer: peer('a', 1179) },
  { kind: 'remove-peer', key: 'b' },
  { kind: 'remove-peer-range', key: 'gone' },
  { kind: 'set-peer-range', range: range('racks', 20) },
  { kind: 'withdraw', prefixes: [route(1).prefix] },
  { kind: 'originate', routes: [route(2, 5)] },
  { kind: 'own-addresses', addresses: ['10.0.0.1' as never, '10.0.0.9' as never] },
  { kind: 'next-hop-status', nextHops: [nextHop('10.0.0.3', false)] },
  { kind: 'pull-best-routes', family: 'ipv4-unicast', sequence: 7 },
  { kind: 'query', id: 1, query: { kind: 'peers' } },
];

test('a speaker that is not configured is told nothing', t => {
  t.deepEqual(replayOf(), []);
  t.deepEqual(replayOf({ kind: 'set-peer', peer: peer('a') }), []);
});

test('the sum of all commands, without questions', t => {
  const commands = replayOf(...told);
  t.deepEqual(sum(commands), sum(told));
  t.deepEqual(
    commands.filter(({ kind }) => kind === 'pull-best-routes' || kind === 'query'),
    [],
  );
  // Told anew it is the same.
  t.deepEqual(replayOf(...commands), commands);
});

test('the configuration comes first, own routes before peers, and that it is complete last', t => {
  const kinds = replayOf(...told).map(({ kind }) => kind);
  t.is(kinds[0], 'configure');
  t.true(kinds.indexOf('originate') < kinds.indexOf('set-peer'));
  t.is(kinds.at(-1), 'configuration-complete');
  t.false(replayOf(configure).some(({ kind }) => kind === 'configuration-complete'));
});

test('it begins as a restarting one, with the newest configuration', t => {
  const newest = { ...config, asn: asn(65001) };
  const [first] = replayOf(configure, { kind: 'configure', config: newest });
  t.deepEqual(first, { kind: 'configure', config: { ...newest, restarting: true } });
});

test('forwarding that went on meanwhile is claimed, so that peers keep our routes', t => {
  const replay = new SpeakerReplay(['ipv4-unicast', 'ipv6-unicast']);
  const gracefulRestart = { ...config.gracefulRestart!, forwardingPreserved: ['ipv4-unicast' as const] };
  replay.remember({ kind: 'configure', config: { ...config, gracefulRestart } });
  const [first] = replay.commands();
  t.deepEqual(first?.kind === 'configure' && first.config.gracefulRestart?.forwardingPreserved, [
    'ipv4-unicast',
    'ipv6-unicast',
  ]);
  replay.remember({ kind: 'configure', config: { ...config, gracefulRestart: undefined } });
  const [without] = replay.commands();
  t.is(without?.kind === 'configure' ? without.config.gracefulRestart : null, undefined);
});

test('next hops that nobody watches any more are forgotten', t => {
  const replay = new SpeakerReplay([]);
  for (const command of told) replay.remember(command);
  replay.watchedNextHops(['10.0.0.3' as never]);
  t.deepEqual([...sum(replay.commands()).nextHops.keys()], ['10.0.0.3']);
});

test('many routes go over in pieces', t => {
  const routes = Array.from({ length: 2500 }, (_, n) => route(n));
  const pieces = replayOf(configure, { kind: 'originate', routes }).filter(
    ({ kind }) => kind === 'originate',
  );
  t.deepEqual(
    pieces.map(piece => piece.kind === 'originate' && piece.routes.length),
    [1000, 1000, 500],
  );
});
