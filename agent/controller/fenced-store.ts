/** The store as a task of the controller has it: writes are refused as soon as somebody else may be the controller. */
import type { Store, StoreResult } from '../../store/port.js';
import { unavailable } from '../../store/results.js';

/** @param mayWrite asked before each write */
export function fencedStore(store: Store, mayWrite: () => boolean): Store {
  const guarded = async <T>(
    operation: string,
    write: () => Promise<StoreResult<T>>,
  ): Promise<StoreResult<T>> =>
    mayWrite()
      ? await write()
      : unavailable(operation, new Error('this host is not the controller any more'));
  return {
    list: kind => store.list(kind),
    get: id => store.get(id),
    create: (resource, options) => guarded('create', () => store.create(resource, options)),
    update: (resource, expected, options) =>
      guarded('update', () => store.update(resource, expected, options)),
    delete: (id, expected, options) => guarded('delete', () => store.delete(id, expected, options)),
    remind: (claimant, work) => store.remind(claimant, work),
    watch: options => store.watch(options),
    // It is somebody else's.
    close: async () => {},
  };
}
