/** Adds one to a number in the store, again and again, and says so after each: `increment-process.js DIRECTORY COUNT`. */
import type { IPPoolResource } from '../../../core/resources/resource.js';
import { tryLock, unlock } from '../../../linux/flock.js';
import { FileStore } from '../../../store/file/file-store.js';

const [directory = '', count = '0'] = process.argv.slice(2);
const store = new FileStore({ directory, lock: { tryLock, unlock } });
const id = { kind: 'IPPool', name: 'counter' } as const;

async function increment(): Promise<void> {
  for (;;) {
    const found = await store.get(id);
    if (found.kind === 'error') throw new Error(JSON.stringify(found.error));
    const resource = found.value.resource as IPPoolResource;
    const value = Number(resource.metadata.annotations.count) + 1;
    const metadata = { ...resource.metadata, annotations: { count: String(value) } };
    const written = await store.update({ ...resource, metadata }, found.value.revision);
    if (written.kind === 'ok') return;
    if (written.error.kind !== 'conflict') throw new Error(JSON.stringify(written.error));
  }
}

for (let i = 0; i < Number(count); i++) {
  await increment();
  process.send?.('incremented');
}
await store.close();
process.disconnect?.();
