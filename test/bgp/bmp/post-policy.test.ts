/** What a station knows of routes after policy, and what it is told: by the table and by changes, in whatever order. */
import test from 'ava';
import { PostPolicy } from '../../../bgp/bmp/post-policy.js';
import { TableUpdates } from '../../../bgp/bmp/table-updates.js';
import type { WalkedPath } from '../../../bgp/rib/contract.js';
import { decodeUpdate } from '../../../bgp/wire/index.js';
import type { Prefix } from '../../../core/prefix.js';

const attributes = { origin: 0, asPath: [], nextHop: 1 } as const;
const prefix = '10.1.0.0/16' as Prefix;

function path(source: string, number: number, more: Partial<WalkedPath> = {}): WalkedPath {
  return { source, number, attributes, accepted: attributes, pathId: undefined, stale: false, ...more };
}

function setUp(...up: string[]) {
  const peers = new Set(up);
  const told = new PostPolicy(source => peers.has(source));
  /** What is said when the prefix has these paths: "+source" and "-source". */
  const tell = (...paths: WalkedPath[]) => {
    const updates = new TableUpdates('ipv4-unicast');
    told.tell('ipv4-unicast', updates, prefix, paths, 1);
    return [...updates.messages()].map(({ source, update }) => {
      const { announced, withdrawn } = decodeUpdate(update, 0, update.length, {
        fourOctetAs: true,
        ibgp: true,
      });
      return `${'+'.repeat(announced.length)}${'-'.repeat(withdrawn.length)}${source}`;
    });
  };
  return { peers, told, tell };
}

test('what is known is not told again, by the table after a change or by a change after the table', t => {
  const { tell } = setUp('a', 'b');
  t.deepEqual(tell(path('a', 1)), ['+a']);
  t.deepEqual(tell(path('a', 1)), []);
  t.deepEqual(tell(path('a', 1), path('b', 2)), ['+b']);
  t.deepEqual(tell(path('b', 2), path('a', 3)), ['+a']);
  t.deepEqual(tell(path('b', 2)), ['-a']);
  t.deepEqual(tell(), ['-b']);
  t.deepEqual(tell(), []);
});

test('what is refused, stale, or of nobody who is up is not told, and taken back only if it was', t => {
  const { tell } = setUp('a');
  for (const untold of [
    path('a', 1, { accepted: undefined }),
    path('a', 1, { stale: true }),
    path('own', 1),
  ]) {
    t.deepEqual(tell(untold), []);
    t.deepEqual(tell(path('a', 2), untold), ['+a']);
    t.deepEqual(tell(untold), ['-a']);
  }
});

test('a peer that goes takes what was told of it along, and comes back whole', t => {
  const { peers, told, tell } = setUp('a', 'b');
  tell(path('a', 1), path('b', 2));
  peers.delete('a');
  told.forget('a');
  t.deepEqual(tell(path('a', 1), path('b', 2)), []);
  peers.add('a');
  t.deepEqual(tell(path('a', 1), path('b', 2)), ['+a']);
});
