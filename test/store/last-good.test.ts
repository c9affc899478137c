/** Documents that stay in force over a restart although nobody can use what stands in the store now. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../../bgp/testing/fake-clock.js';
import { formatResourceId, resourceIdOf } from '../../core/resources/resource.js';
import { tryLock, unlock } from '../../linux/flock.js';
import { FileStore } from '../../store/file/file-store.js';
import { GoodDocuments } from '../../store/good-documents.js';
import { LastGoodStore, LastGoodWatch } from '../../store/last-good.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { WatchEvent } from '../../store/port.js';
import { node, pool } from '../agent/documents.js';
import { eventually } from '../support/eventually.js';
import { storeContract } from './contract.js';

const folders: string[] = [];
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-good-'));
  folders.push(folder);
  return folder;
}

async function openMemory(path: string, origin = '/store') {
  const clock = new FakeClock();
  const problems: (string | undefined)[] = [];
  const damaged: string[] = [];
  const memory = await GoodDocuments.open({
    path,
    origin,
    clock,
    problem: text => problems.push(text),
    damaged: key => damaged.push(key),
  });
  return { memory, clock, problems, damaged };
}

storeContract(test, 'a store that remembers', async () => {
  const { memory } = await openMemory(join(newFolder(), 'good'));
  return new LastGoodStore(new MemoryStore(), memory);
});

// ---------------------------------------------------------------- the file

const poolKey = (name: string) => formatResourceId({ kind: 'IPPool', name });

test('what was good is there at the next start: the newest of it, and not what was forgotten', async t => {
  const path = join(newFolder(), 'deep', 'good');
  const first = await openMemory(path);
  first.memory.remember(pool('a', '10.0.0.0/16'));
  first.memory.remember(pool('b', '10.1.0.0/16'));
  first.memory.remember(node('n', '10.0.0.1/24'));
  first.clock.advance(5000);
  await eventually(() => first.clock.advance(0) === undefined && readable(path).includes('IPPool/a'));
  first.memory.remember(pool('a', '10.0.0.0/16', true));
  first.memory.forget(poolKey('b'));
  await first.memory.close();
  t.is(statSync(path).mode & 0o777, 0o600);
  const { memory } = await openMemory(path);
  t.deepEqual([...memory.keysBefore()].sort(), ['IPPool/a', 'Node/n']);
  t.deepEqual(memory.before(poolKey('a')), pool('a', '10.0.0.0/16', true));
  t.is(memory.before(poolKey('b')), undefined);
  memory.settled(new Set(['Node/n']));
  t.deepEqual(memory.keysBefore(), ['Node/n']);
});

function readable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

test('what has not changed is not written again; many changes make the file anew, not longer and longer', async t => {
  const path = join(newFolder(), 'good');
  const first = await openMemory(path);
  first.memory.remember(pool('a', '10.0.0.0/16'));
  await first.memory.close();
  const before = statSync(path);
  const second = await openMemory(path);
  second.memory.remember(pool('a', '10.0.0.0/16'));
  await second.memory.close();
  t.is(statSync(path).mtimeMs, before.mtimeMs);
  let longest = 0;
  for (let i = 0; i < 1200; i++) {
    const { memory } = await openMemory(path);
    memory.remember(pool('a', '10.0.0.0/16', i % 2 === 0));
    await memory.close();
    longest = Math.max(longest, readFileSync(path, 'utf8').split('\n').length);
  }
  t.true(longest > 900 && longest < 1100, `${longest} lines`);
  t.deepEqual((await openMemory(path)).memory.before(poolKey('a')), pool('a', '10.0.0.0/16'));
});

test('a line that was cut off, one of no document, and the file of another store are nothing', async t => {
  const path = join(newFolder(), 'good');
  const first = await openMemory(path);
  first.memory.remember(pool('a', '10.0.0.0/16'));
  first.memory.remember(pool('b', '10.1.0.0/16'));
  await first.memory.close();
  const changing = await openMemory(path);
  changing.memory.remember(pool('b', '10.1.0.0/16', true));
  await changing.memory.close();
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -1));
  const second = await openMemory(path);
  t.deepEqual(second.memory.before(poolKey('a')), pool('a', '10.0.0.0/16'));
  t.deepEqual(second.memory.before(poolKey('b')), pool('b', '10.1.0.0/16'), 'as it was before that line');
  second.memory.remember(pool('c', '10.2.0.0/16'));
  await second.memory.close();
  const more = ['+IPPool/d\t{"kind":"IPPool"}\t', '+IPPool/e\t{"kind"\t', '-IPPool/a', 'nonsense', '+', ''];
  writeFileSync(path, `${readFileSync(path, 'utf8')}\n${more.join('\n')}`);
  const third = await openMemory(path);
  t.deepEqual(third.memory.before(poolKey('a')), pool('a', '10.0.0.0/16'));
  t.deepEqual(third.memory.before(poolKey('c')), pool('c', '10.2.0.0/16'));
  t.deepEqual(third.damaged, []);
  t.is(third.memory.before(poolKey('d')), undefined);
  t.is(third.memory.before(poolKey('e')), undefined);
  t.deepEqual(third.damaged, ['IPPool/d', 'IPPool/e']);
  t.deepEqual(third.problems, []);
  const other = await openMemory(path, '/another');
  t.deepEqual(other.memory.keysBefore(), []);
  other.memory.remember(pool('z', '10.9.0.0/16'));
  await other.memory.close();
  t.deepEqual((await openMemory(path, '/another')).memory.keysBefore(), ['IPPool/z']);
});

test('what cannot be written is said once, tried again, and nothing of it is lost', async t => {
  const folder = newFolder();
  const blocked = join(folder, 'no-directory');
  writeFileSync(blocked, '');
  const path = join(blocked, 'good');
  const { memory, clock, problems } = await openMemory(path);
  problems.splice(0);
  memory.remember(pool('a', '10.0.0.0/16'));
  const attempt = async () => {
    clock.advance(5000);
    return await eventually(() => problems.length > 0);
  };
  t.true(await attempt());
  await attempt();
  t.is(problems.length, 1);
  rmSync(blocked);
  memory.remember(pool('b', '10.1.0.0/16'));
  t.true(await eventually(() => clock.advance(5000) === undefined && problems.length === 2));
  t.is(problems[1], undefined);
  await memory.close();
  t.deepEqual([...(await openMemory(path)).memory.keysBefore()].sort(), ['IPPool/a', 'IPPool/b']);
});

// ---------------------------------------------------------------- the watch

/** A host with a store directory and a state directory. */
class Host {
  readonly folder = newFolder();
  readonly #memory = join(newFolder(), 'good');

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  remove(name: string): void {
    rmSync(join(this.folder, name));
  }

  /** An agent's view of the store, from its start to its end. */
  async start(t: ExecutionContext) {
    const { memory } = await openMemory(this.#memory, this.folder);
    const files = new FileStore({ directory: this.folder, lock: { tryLock, unlock }, rescanMs: 50 });
    const store = new LastGoodStore(files, memory);
    const ending = new AbortController();
    const known = new Map<string, string>();
    const events: WatchEvent[] = [];
    const followed = (async () => {
      for await (const batch of store.watch({ signal: ending.signal })) {
        events.push(...batch);
        for (const event of batch) {
          if (event.kind === 'snapshot-begin') known.clear();
          if (event.kind === 'deleted') known.delete(formatResourceId(event.id));
          if (event.kind !== 'changed') continue;
          const { resource } = event.stored;
          const spec = 'spec' in resource ? JSON.stringify(resource.spec) : '';
          known.set(formatResourceId(resourceIdOf(resource)), spec);
        }
      }
    })();
    t.true(await eventually(() => events.some(({ kind }) => kind === 'in-sync')));
    const stop = async () => {
      ending.abort();
      await followed;
      await store.close();
    };
    return { known, events, store, stop };
  }
}

const poolText = (name: string, cidr: string) =>
  `apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: { name: ${name} }\nspec: { cidr: ${cidr} }\n`;

test('an invalid document does not lose its last good version by a restart, until it is good again or gone', async t => {
  const host = new Host();
  host.write('a.yaml', poolText('a', '10.0.0.0/16'));
  host.write('b.yaml', poolText('b', '10.1.0.0/16'));
  host.write('c.yaml', poolText('c', '10.2.0.0/16'));
  await (await host.start(t)).stop();
  host.write('a.yaml', poolText('a', 'nonsense'));
  host.write('b.yaml', poolText('b', 'nonsense'));
  host.remove('c.yaml');
  for (const _ of ['the first restart', 'the second one']) {
    const { known, events, store, stop } = await host.start(t);
    t.deepEqual([...known.keys()].sort(), ['IPPool/a', 'IPPool/b']);
    t.true(known.get('IPPool/a')!.includes('10.0.0.0/16'));
    const invalid = events.findLast(({ kind }) => kind === 'invalid');
    t.is(invalid?.kind === 'invalid' && invalid.documents.length, 2, 'it is said nevertheless');
    const listed = await store.list('IPPool');
    t.is(listed.kind === 'ok' && listed.value.length, 2);
    t.is((await store.get({ kind: 'IPPool', name: 'a' })).kind, 'error', 'the store itself has none');
    await stop();
  }
  const last = await host.start(t);
  host.write('a.yaml', poolText('a', '10.5.0.0/16'));
  host.remove('b.yaml');
  t.true(await eventually(() => !last.known.has('IPPool/b') && last.known.get('IPPool/a')!.includes('10.5')));
  await last.stop();
  const after = await host.start(t);
  t.deepEqual([...after.known.keys()], ['IPPool/a']);
  await after.stop();
});

test('of a file that is no YAML any more everything stays that nobody else tells', async t => {
  const host = new Host();
  host.write('all.yaml', `${poolText('a', '10.0.0.0/16')}---\n${poolText('b', '10.1.0.0/16')}`);
  host.write('c.yaml', poolText('c', '10.2.0.0/16'));
  await (await host.start(t)).stop();
  host.write('all.yaml', 'a: [\n');
  const { known, stop } = await host.start(t);
  t.deepEqual([...known.keys()].sort(), ['IPPool/a', 'IPPool/b', 'IPPool/c']);
  host.write('all.yaml', poolText('b', '10.7.0.0/16'));
  t.true(await eventually(() => known.size === 2));
  t.true(known.get('IPPool/b')!.includes('10.7'));
  await stop();
});

test('a document that was never good stands in for nothing', async t => {
  const host = new Host();
  host.write('a.yaml', poolText('a', 'nonsense'));
  for (const _ of [1, 2]) {
    const { known, stop } = await host.start(t);
    t.is(known.size, 0);
    await stop();
  }
});

test('a change is kept at once: a process that is killed has lost little', async t => {
  const path = join(newFolder(), 'good');
  const { memory, clock } = await openMemory(path);
  memory.remember(pool('a', '10.0.0.0/16'));
  clock.advance(50);
  t.true(await eventually(() => readable(path).includes('IPPool/a')));
  await memory.close();
});

test('what cannot be written is tried again after seconds, not at once', async t => {
  const folder = newFolder();
  const path = join(folder, 'file', 'good');
  writeFileSync(join(folder, 'file'), '');
  const { memory, clock, problems } = await openMemory(path);
  const found = problems.length;
  memory.remember(pool('a', '10.0.0.0/16'));
  clock.advance(50);
  t.true(await eventually(() => problems.length === found + 1));
  rmSync(join(folder, 'file'));
  clock.advance(4000);
  await new Promise(resolve => setImmediate(resolve));
  t.is(readable(path), '');
  clock.advance(1000);
  t.true(await eventually(() => readable(path).includes('IPPool/a')));
  await memory.close();
});

// ---------------------------------------------------------------- a store that is away at the start

/** What a watch of it tells, as words. */
function wordsOf(events: readonly WatchEvent[]): string[] {
  return events.map(event => {
    if (event.kind === 'changed') return `+${event.stored.resource.metadata.name}`;
    return event.kind === 'deleted' ? `-${event.id.name}` : event.kind;
  });
}

test('a store that is away when the agent begins is told as it was, once, and then as it is', async t => {
  const path = join(newFolder(), 'good');
  const first = await openMemory(path);
  first.memory.remember(node('a'));
  first.memory.remember(node('b'));
  await first.memory.close();
  const watch = new LastGoodWatch((await openMemory(path)).memory);
  const away: WatchEvent = { kind: 'unavailable', detail: 'refused' };
  t.deepEqual(wordsOf(watch.follow([away])), ['snapshot-begin', '+a', '+b', 'copy-told', 'unavailable']);
  t.deepEqual(wordsOf(watch.follow([away])), ['unavailable']);
  const now: WatchEvent[] = [
    { kind: 'snapshot-begin' },
    { kind: 'changed', stored: { resource: node('b'), revision: '1' } },
    { kind: 'in-sync' },
  ];
  t.deepEqual(wordsOf(watch.follow(now)), ['snapshot-begin', '+b', 'in-sync']);
  t.deepEqual(wordsOf(watch.follow([away])), ['unavailable']);
});

test('without a copy a store that is away is away', async t => {
  const { memory } = await openMemory(join(newFolder(), 'good'));
  const watch = new LastGoodWatch(memory);
  t.deepEqual(wordsOf(watch.follow([{ kind: 'unavailable', detail: 'refused' }])), ['unavailable']);
});
