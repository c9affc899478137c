/** What every store must do; run against each of them. */
import type { ExecutionContext, TestFn } from 'ava';
import type { LeaseResource } from '../../core/resources/cluster-documents.js';
import { type IPPoolResource, MARGAY_API } from '../../core/resources/resource.js';
import type { Store, WatchEvent } from '../../store/port.js';
import { pool } from '../agent/documents.js';

export function storeContract(test: TestFn, name: string, newStore: () => Promise<Store>): void {
  const opened = async (t: ExecutionContext) => {
    const store = await newStore();
    t.teardown(() => store.close());
    return store;
  };

  test(`${name}: created, read, updated, deleted`, async t => {
    const store = await opened(t);
    const created = await store.create(pool('a', '10.0.0.0/16'));
    t.is(created.kind, 'ok');
    t.deepEqual(await store.get({ kind: 'IPPool', name: 'a' }), created);
    const revision = created.kind === 'ok' ? created.value.revision : '';
    const updated = await store.update(pool('a', '10.0.0.0/16', true), revision);
    t.is(updated.kind, 'ok');
    const listed = await store.list('IPPool');
    t.is(listed.kind === 'ok' ? listed.value.length : 0, 1);
    t.is((await store.list('Node')).kind, 'ok');
    t.is((await store.delete({ kind: 'IPPool', name: 'a' })).kind, 'ok');
    const gone = await store.get({ kind: 'IPPool', name: 'a' });
    t.is(gone.kind === 'error' ? gone.error.kind : '', 'not-found');
  });

  test(`${name}: compare-and-swap`, async t => {
    const store = await opened(t);
    const created = await store.create(pool('a', '10.0.0.0/16'));
    const revision = created.kind === 'ok' ? created.value.revision : '';
    const again = await store.create(pool('a', '10.0.0.0/16'));
    t.is(again.kind === 'error' ? again.error.kind : '', 'already-exists');
    await store.update(pool('a', '10.0.0.0/16', true), revision);
    const late = await store.update(pool('a', '10.0.0.0/16'), revision);
    t.is(late.kind === 'error' ? late.error.kind : '', 'conflict');
    const lateDelete = await store.delete({ kind: 'IPPool', name: 'a' }, revision);
    t.is(lateDelete.kind === 'error' ? lateDelete.error.kind : '', 'conflict');
    const absent = await store.update(pool('b', '10.0.0.0/16'), revision);
    t.is(absent.kind === 'error' ? absent.error.kind : '', 'not-found');
  });

  test(`${name}: a watch begins with everything, then tells the newest of each change`, async t => {
    const store = await opened(t);
    await store.create(pool('a', '10.0.0.0/16'));
    const ending = new AbortController();
    const seen: WatchEvent[] = [];
    const names = () =>
      seen.map(event => (event.kind === 'changed' ? event.stored.resource.metadata.name : event.kind));
    for await (const events of store.watch({ signal: ending.signal })) {
      seen.push(...events);
      if (names().includes('in-sync') && !names().includes('z')) {
        // While the watcher is busy: many writes of one, then another.
        let found = await store.create(pool('b', '10.1.0.0/16'));
        for (let i = 0; i < 20 && found.kind === 'ok'; i++) {
          found = await store.update(pool('b', '10.1.0.0/16', i % 2 === 0), found.value.revision);
        }
        await store.create(pool('z', '10.2.0.0/16'));
        // A store that hears of its own writes from elsewhere has heard of them now.
        await store.list('IPPool');
      }
      if (names().includes('z')) ending.abort();
    }
    t.deepEqual(names().slice(0, 2), ['snapshot-begin', 'a']);
    t.is(names().filter(name => name === 'b').length, 1);
    const last = seen.findLast(
      event => event.kind === 'changed' && event.stored.resource.metadata.name === 'b',
    );
    const resource = last?.kind === 'changed' ? (last.stored.resource as IPPoolResource) : undefined;
    t.is(resource?.spec.disableBGPExport, false);
  });

  test(`${name}: a record is kept like a document, and no watch tells of it`, async t => {
    const store = await opened(t);
    const id = { kind: 'Lease', name: 'a' } as const;
    t.is((await store.list('Lease')).kind, 'ok');
    const created = await store.create(lease('a', 1));
    const revision = created.kind === 'ok' ? created.value.revision : '';
    t.is((await store.create(lease('a', 1))).kind, 'error');
    const updated = await store.update(lease('a', 2), revision);
    t.deepEqual(await store.get(id), updated);
    const late = await store.update(lease('a', 3), revision);
    t.is(late.kind === 'error' ? late.error.kind : '', 'conflict');
    const listed = await store.list('Lease');
    t.deepEqual(listed.kind === 'ok' ? listed.value : [], updated.kind === 'ok' ? [updated.value] : ['']);
    await store.create(pool('p', '10.0.0.0/16'));
    const everything = await store.list();
    t.is(everything.kind === 'ok' ? everything.value.length : 0, 1);
    const ending = new AbortController();
    const told: string[] = [];
    for await (const events of store.watch({ signal: ending.signal })) {
      for (const event of events) if (event.kind === 'changed') told.push(event.stored.resource.kind);
      if (events.some(({ kind }) => kind === 'in-sync')) ending.abort();
    }
    t.deepEqual(told, ['IPPool']);
    t.is((await store.delete(id, revision)).kind, 'error');
    t.is((await store.delete(id)).kind, 'ok');
    const gone = await store.delete(id);
    t.is(gone.kind === 'error' ? gone.error.kind : '', 'not-found');
  });

  test(`${name}: who has written back what he holds may claim`, async t => {
    const store = await opened(t);
    let written = 0;
    const reminded = await store.remind('a', async () => {
      written++;
    });
    t.is(reminded.kind, 'ok');
    t.is(written, 1);
    const claim = { replicated: true, claimant: 'a' };
    const created = await store.create(lease('a', 1), claim);
    t.is(created.kind, 'ok');
    const revision = created.kind === 'ok' ? created.value.revision : '';
    t.is((await store.update(lease('a', 2), revision, claim)).kind, 'ok');
    const refused = await t.throwsAsync(
      store.remind('a', async () => {
        throw new Error('not now');
      }),
    );
    t.is(refused?.message, 'not now');
  });
}

function lease(name: string, renewals: number): LeaseResource {
  return {
    apiVersion: MARGAY_API,
    kind: 'Lease',
    metadata: { name, labels: {}, annotations: {} },
    spec: {
      ...{ holder: name, instance: 'i', process: 'p', term: 1, renewals, durationSeconds: 30 },
      ...{ sinceUnixMs: 0, renewedUnixMs: 0 },
    },
  };
}
