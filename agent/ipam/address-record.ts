/** SHELL: this host's record of its addresses, in the state directory: one for each store, as claims in one say nothing of another. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type DurableRecord, HostRecord } from '../../ipam/host-record.js';
import { RecordFile } from '../../ipam/record-file.js';
import type { Log } from '../options.js';

const HASH_CHARACTERS = 12;

/** @param origin the store's address */
export function addressRecordPath(stateDirectory: string, nodeName: string, origin: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([nodeName, origin]))
    .digest('hex');
  return join(stateDirectory, `addresses-${hash.slice(0, HASH_CHARACTERS)}`);
}

/** Where it cannot be read nothing is given out: what it says must not be forgotten. */
export async function openAddressRecord(path: string, log: Log): Promise<DurableRecord> {
  try {
    const file = await RecordFile.open(path);
    const lines = file.damagedLines;
    if (lines > 0) log.warn({ path, lines }, "lines of this host's record of its addresses cannot be read");
    return file;
  } catch (error) {
    const problem = `${path}: ${(error as Error).message}`;
    log.error({ problem }, "this host's record of its addresses cannot be read: none are given out");
    return { record: new HostRecord(), keep: () => Promise.reject(new Error(problem)) };
  }
}
