/** A store that several processes share, told to each of them as text: the one place that knows which kinds there are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tryLock, unlock } from '../../../linux/flock.js';
import { FileStore } from '../../../store/file/file-store.js';
import type { Store } from '../../../store/port.js';
import { CarelessStore } from '../../ipam/troubled-store.js';

/** Plain data. */
export type StoreAddress = { readonly kind: 'file'; readonly directory: string };

export interface SharedStore {
  readonly address: StoreAddress;
  /** Removes all that it has. */
  remove(): void;
}

/** In memory: thousands of fsyncs would measure the disk. */
export function sharedFileStore(): SharedStore {
  const directory = mkdtempSync('/dev/shm/mgy-ipam-');
  return {
    address: { kind: 'file', directory },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** @param careless the planted race: it writes whatever was there */
export function openShared(address: StoreAddress, careless = false): Store {
  const store = new FileStore({ directory: address.directory, lock: { tryLock, unlock }, rescanMs: 500 });
  return careless ? new CarelessStore(store) : store;
}
