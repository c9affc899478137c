/** What the shells of address management work with. */
import type { Resource } from '../core/resources/resource.js';
import type { Store } from '../store/port.js';
import type { IpamDocuments } from './documents.js';
import type { DurableRecord, RecordEntry } from './host-record.js';
import type { Modified } from './modify.js';

export interface IpamContext {
  /** The host that this is. */
  readonly host: string;
  readonly store: Store;
  readonly documents: IpamDocuments;
  readonly durable: DurableRecord;
  /** For what is written down; no interval is measured by it but cooldowns. */
  readonly nowUnixMs: () => number;
}

/** Nothing can be said: what was asked ends here. */
export class Unavailable extends Error {
  /** The store waits for what this host holds. */
  readonly reminder: boolean;

  constructor(message: string, reminder = false) {
    super(message);
    this.reminder = reminder;
  }
}

/** What was written or found. @throws Unavailable */
export function certain<R extends Resource>(
  modified: Modified<R>,
): Exclude<Modified<R>, { kind: 'unavailable' }> {
  if (modified.kind === 'unavailable') throw new Unavailable(modified.detail, modified.reminder);
  return modified;
}

/** @throws Unavailable */
export async function keep({ durable }: IpamContext, entries: readonly RecordEntry[]): Promise<void> {
  await durable.keep(entries).catch((error: Error) => {
    throw new Unavailable(`the host's record of its addresses cannot be written: ${error.message}`);
  });
}
