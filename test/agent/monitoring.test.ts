import test from 'ava';
import { Monitoring } from '../../agent/monitoring.js';
import type { SpeakerAnswer, SpeakerCommand, SpeakerQuery } from '../../bgp/speaker/contract.js';

function newMonitoring(answers: (query: SpeakerQuery) => SpeakerAnswer = () => fail) {
  const sent: SpeakerCommand[] = [];
  const queries = { ask: async (query: SpeakerQuery) => answers(query) };
  const monitoring = new Monitoring(queries as never, command => sent.push(command));
  return { monitoring, sent };
}

const fail: SpeakerAnswer = { kind: 'error', message: 'the speaker does not answer' };
const turn = () => new Promise(resolve => setImmediate(resolve));

test('a dump asks for the peers, then family by family until each is told', async t => {
  const asked: SpeakerQuery[] = [];
  const { monitoring } = newMonitoring(query => {
    asked.push(query);
    if (query.kind === 'mrt-peers') return { kind: 'mrt-peers', keys: ['own', 'b'], bytes: Uint8Array.of(1) };
    if (query.kind !== 'mrt-routes') return fail;
    const next = query.family === 'ipv4-unicast' && query.from === 0 ? 77 : undefined;
    return { kind: 'mrt-routes', bytes: Uint8Array.of(2), sequence: query.sequence + 10, next };
  });
  const pieces: number[] = [];
  for await (const piece of monitoring.dumpTable()) pieces.push(...piece);
  t.deepEqual(pieces, [1, 2, 2, 2]);
  t.deepEqual(
    asked.flatMap(query =>
      query.kind === 'mrt-routes' ? [[query.family, query.from, query.sequence, query.peers]] : [],
    ),
    [
      ['ipv4-unicast', 0, 0, ['own', 'b']],
      ['ipv4-unicast', 77, 10, ['own', 'b']],
      ['ipv6-unicast', 0, 20, ['own', 'b']],
    ],
  );
});

test('a dump of a speaker that does not answer fails with its words', async t => {
  const { monitoring } = newMonitoring();
  await t.throwsAsync(monitoring.dumpTable().next(), { message: /does not answer/ });
});

test('the speaker records while anybody listens, once for all', async t => {
  const { monitoring, sent } = newMonitoring();
  const [one, two] = [new AbortController(), new AbortController()];
  const heard: string[] = [];
  const listen = async (name: string, signal: AbortSignal) => {
    for await (const piece of monitoring.recordSessions(signal)) heard.push(`${name}${piece[0]}`);
  };
  const both = [listen('a', one.signal), listen('b', two.signal)];
  await turn();
  monitoring.recorded(Uint8Array.of(1));
  await turn();
  one.abort();
  await both[0];
  monitoring.recorded(Uint8Array.of(2));
  await turn();
  two.abort();
  await both[1];
  t.deepEqual(heard, ['a1', 'b1', 'b2']);
  t.deepEqual(sent, [
    { kind: 'record-sessions', on: true },
    { kind: 'record-sessions', on: false },
  ]);
});

test('one that does not read is let go, and says so', async t => {
  const { monitoring, sent } = newMonitoring();
  const recording = monitoring.recordSessions(new AbortController().signal);
  const first = recording.next();
  await turn();
  monitoring.recorded(Uint8Array.of(1));
  t.false((await first).done);
  for (let i = 0; i < 70; i++) monitoring.recorded(new Uint8Array(1 << 20));
  await t.throwsAsync(
    (async () => {
      for await (const _piece of recording);
    })(),
    { message: /too slowly/ },
  );
  t.deepEqual(sent.at(-1), { kind: 'record-sessions', on: false });
});
