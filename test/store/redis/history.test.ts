import test from 'ava';
import fc from 'fast-check';
import { reconnectPauseMs } from '../../../store/redis/connection.js';
import { neededCopies } from '../../../store/redis/copies.js';
import { chained, type Position, resume, type SeenHistory } from '../../../store/redis/history.js';

/** A store that took these writes, as a client finds it that knows it up to a revision. @param trimmed entries that are not in its log any more */
function seen(cluster: string, writes: readonly string[], knownRevision: number, trimmed = 0): SeenHistory {
  const chains = chainsOf(writes);
  const isInLog = knownRevision > trimmed && knownRevision <= writes.length;
  return {
    head: {
      revision: writes.length,
      chain: chains.at(-1) ?? '',
      cluster: writes.length === 0 ? '' : cluster,
    },
    chainAtKnown: isInLog ? chains[knownRevision - 1] : undefined,
  };
}

function chainsOf(writes: readonly string[]): readonly string[] {
  const chains: string[] = [];
  for (const write of writes)
    chains.push(chained(chains.at(-1) ?? '', { id: write, revision: '1-a', document: write }));
  return chains;
}

function position(cluster: string, writes: readonly string[]): Position {
  return seen(cluster, writes, 0).head;
}

test('a client goes on where the store went on from what it knows', t => {
  t.deepEqual(resume(position('c', ['a']), '', seen('c', ['a', 'b'], 1)), { kind: 'continue' });
  t.deepEqual(resume(position('c', ['a']), '', seen('c', ['a'], 1, 1)), { kind: 'continue' });
  t.deepEqual(resume(position('c', []), '', seen('c', [], 0)), { kind: 'continue' });
});

test('what was trimmed is to be read anew, and was not forgotten', t => {
  const found = resume(position('c', ['a']), '', seen('c', ['a', 'b', 'd'], 1, 2));
  t.deepEqual(found, { kind: 'snapshot', forked: false });
  t.deepEqual(resume(undefined, '', seen('c', ['a'], 0)), { kind: 'snapshot', forked: false });
});

test('fewer writes, others, or others and more: the store went on from an earlier state', t => {
  for (const writes of [['a'], ['a', 'x'], ['a', 'x', 'y']]) {
    const found = resume(position('c', ['a', 'b']), '', seen('c', writes, 2));
    t.deepEqual(found, { kind: 'snapshot', forked: true }, writes.join());
  }
});

test('an empty store that was known, and one of another cluster, are not followed', t => {
  t.deepEqual(resume(position('c', ['a']), '', seen('c', [], 1)), { kind: 'emptied' });
  t.deepEqual(resume(undefined, 'c', seen('c', [], 0)), { kind: 'emptied' });
  t.deepEqual(resume(undefined, 'c', seen('d', ['a'], 0)), { kind: 'other-cluster', cluster: 'd' });
});

test('whatever two histories are: they are told apart unless the one is the beginning of the other', t => {
  const history = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(history, history, (known, now) => {
      const isContinued = known.length <= now.length && known.every((write, i) => now[i] === write);
      const found = resume(position('c', known), '', seen('c', now, known.length));
      return found.kind === (isContinued ? 'continue' : 'snapshot');
    }),
  );
  t.pass();
});

test('with the primary more than half of all have a claim', t => {
  t.deepEqual(
    [0, 1, 2, 3, 4].map(known => neededCopies('auto', known)),
    [0, 1, 1, 2, 2],
  );
  t.is(neededCopies(0, 5), 0);
});

test('pauses between attempts double up to a bound, and are spread', t => {
  t.is(reconnectPauseMs(1, 0), 100);
  t.is(reconnectPauseMs(2, 0.5), 400);
  t.is(reconnectPauseMs(1000, 0.999), 14_990);
});
