import test from 'ava';
import { feedFrom, ResourceFeed } from '../../agent/resource-feed.js';
import { formatResourceId, type Resource, resourceIdOf } from '../../core/resources/resource.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { WatchEvent } from '../../store/port.js';
import { eventually } from '../support/eventually.js';
import { node, pool } from './documents.js';

interface Told {
  readonly feed: ResourceFeed;
  /** One text for each call: "+Node/a -Node/b", "in sync", "away: disk", "invalid 2". */
  readonly calls: string[];
}

function newFeed(): Told {
  const calls: string[] = [];
  const feed = new ResourceFeed({
    changes: changes => {
      const words = changes.map(change =>
        change.kind === 'changed'
          ? `+${formatResourceId(resourceIdOf(change.resource))}`
          : `-${formatResourceId(change.id)}`,
      );
      calls.push(words.join(' '));
    },
    inSync: () => calls.push('in sync'),
    copyTold: () => calls.push('copy told'),
    invalid: documents => calls.push(`invalid ${documents.length}`),
    unavailable: detail => calls.push(`away: ${detail}`),
  });
  return { feed, calls };
}

const begin: WatchEvent = { kind: 'snapshot-begin' };
const inSync: WatchEvent = { kind: 'in-sync' };
const changed = (resource: Resource): WatchEvent => ({ kind: 'changed', stored: { resource, revision: '' } });
const deleted = (resource: Resource): WatchEvent => ({ kind: 'deleted', id: resourceIdOf(resource) });
const [a, b, c] = [node('a'), node('b'), pool('a', '10.0.0.0/16')];

test('a copy is told as such, and what the store does not hold any more goes when it is read', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), changed(b), { kind: 'copy-told' }, { kind: 'unavailable', detail: 'x' }]);
  feed.handle([begin, changed(a), inSync]);
  t.deepEqual(calls, ['+Node/a +Node/b', 'copy told', 'away: x', '+Node/a -Node/b', 'in sync']);
});

test('a batch is told at once, before it is said to be in sync', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), changed(b), changed(c), inSync]);
  t.deepEqual(calls, ['+Node/a +Node/b +IPPool/a', 'in sync']);
  t.is(feed.size, 3);
});

test('a snapshot in several batches is told as it comes; what it does not repeat goes only at its end', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), changed(b), inSync]);
  calls.length = 0;
  feed.handle([begin]);
  feed.handle([changed(b)]);
  t.deepEqual(calls, ['+Node/b']);
  feed.handle([changed(c)]);
  feed.handle([inSync]);
  t.deepEqual(calls, ['+Node/b', '+IPPool/a', '-Node/a', 'in sync']);
  t.is(feed.size, 2);
});

test('a snapshot that broke off and begins again deletes nothing before one is whole', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), changed(b), inSync]);
  calls.length = 0;
  feed.handle([{ kind: 'unavailable', detail: 'disk' }, begin, changed(a)]);
  feed.handle([{ kind: 'unavailable', detail: 'disk' }]);
  feed.handle([begin, changed(b)]);
  t.false(calls.some(call => call.includes('-')));
  feed.handle([changed(a), inSync]);
  t.deepEqual(calls.slice(-2), ['+Node/a', 'in sync']);
  t.false(calls.some(call => call.includes('-')));
});

test('a document that goes and comes within a snapshot, or after it', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), inSync]);
  feed.handle([begin, deleted(a), inSync]);
  t.deepEqual(calls, ['+Node/a', 'in sync', '-Node/a', 'in sync']);
  feed.handle([changed(a), deleted(a), changed(a)]);
  t.is(calls.at(-1), '+Node/a -Node/a +Node/a');
  t.is(feed.size, 1);
});

test('two documents of one name and different kinds are two', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), changed(c), inSync, begin, changed(c), inSync]);
  t.deepEqual(calls, ['+Node/a +IPPool/a', 'in sync', '+IPPool/a -Node/a', 'in sync']);
});

test('invalid documents and a store that is away change nothing that is known', t => {
  const { feed, calls } = newFeed();
  feed.handle([begin, changed(a), inSync]);
  feed.handle([{ kind: 'invalid', documents: [{ location: 'x', id: undefined, problems: [] }] }]);
  feed.handle([{ kind: 'unavailable', detail: 'disk' }]);
  t.deepEqual(calls.slice(2), ['invalid 1', 'away: disk']);
  t.is(feed.size, 1);
});

test('follows a store until it is told to end', async t => {
  const { feed, calls } = newFeed();
  const store = new MemoryStore([a]);
  const ending = new AbortController();
  const fed = feedFrom(store, feed, ending.signal);
  t.true(await eventually(() => calls.includes('in sync')));
  await store.create(b);
  t.true(await eventually(() => calls.includes('+Node/b')));
  ending.abort();
  await fed;
  await store.create(c);
  t.is(feed.size, 2);
});
