/** SHELL: the connections that the kernel tracks, their marks and their end. Needs CAP_NET_ADMIN. */
import { type KernelRefusal, NetlinkConnection } from './connection.js';
import {
  type ConntrackEntry,
  ConntrackMessage,
  readConntrackEntry,
  writeConntrackDelete,
  writeConntrackDump,
  writeConntrackFlush,
  writeConntrackMark,
} from './conntrack.js';
import { Flag } from './constants.js';
import { openNetfilterTransport } from './koffi-transport.js';
import type { MessageWriter } from './message.js';

/** Entries that are asked for at once. */
const BATCH = 512;
/** errno.h: it has ended by itself meanwhile. */
const ENOENT = 2;

/** An entry that is there and that the kernel would not change. */
export interface RefusedEntry {
  readonly entry: ConntrackEntry;
  readonly refusal: KernelRefusal;
}

export class ConntrackTable {
  readonly #connection: NetlinkConnection;

  /** @param networkNamespace as for a netlink transport */
  constructor(networkNamespace?: string) {
    this.#connection = new NetlinkConnection(openNetfilterTransport, networkNamespace);
  }

  /**
   * All entries that `selects`.
   *
   * @param marked bits: the kernel tells of entries alone whose marks have them all
   * @throws where the kernel refuses, e.g. without connection tracking
   */
  async find(
    selects: (entry: ConntrackEntry) => boolean,
    marked?: number,
  ): Promise<readonly ConntrackEntry[]> {
    let found: ConntrackEntry[] = [];
    await this.#connection.dump(
      { type: ConntrackMessage.get, flags: 0, write: writer => writeConntrackDump(writer, marked) },
      () => {
        found = [];
      },
      message => {
        if (message.type !== ConntrackMessage.created) return;
        const entry = readConntrackEntry(message);
        if (entry !== undefined && selects(entry)) found.push(entry);
      },
    );
    return found;
  }

  /**
   * Of the marks of these entries the bits of `mask` become what they are in `bits`. Those that have ended meanwhile are left out.
   *
   * @returns those that the kernel would not change
   */
  async mark(
    entries: readonly ConntrackEntry[],
    bits: number,
    mask: number,
  ): Promise<readonly RefusedEntry[]> {
    const { refused } = await this.#each(entries, ConntrackMessage.created, (writer, entry) =>
      writeConntrackMark(writer, entry, bits, mask),
    );
    return refused;
  }

  /** Ends these: the next packet of such a connection is the first of a new one. Returns how many there still were. @throws if one is refused */
  async end(entries: readonly ConntrackEntry[]): Promise<number> {
    const { done, refused } = await this.#each(entries, ConntrackMessage.delete, writeConntrackDelete);
    const [first] = refused;
    if (first === undefined) return done;
    const { errno, text } = first.refusal;
    throw new Error(`connection tracking: errno ${errno} ${text}`.trimEnd());
  }

  /** Ends every connection of the namespace. */
  async flush(): Promise<void> {
    await this.#connection.batch({
      count: 1,
      write: (writer, _, sequence) => {
        writer.begin(ConntrackMessage.delete, Flag.request | Flag.ack, sequence);
        writeConntrackFlush(writer);
        writer.end();
      },
    });
  }

  close(): void {
    this.#connection.close();
  }

  async #each(
    entries: readonly ConntrackEntry[],
    type: number,
    write: (writer: MessageWriter, entry: ConntrackEntry) => void,
  ): Promise<{ readonly done: number; readonly refused: readonly RefusedEntry[] }> {
    const refused: RefusedEntry[] = [];
    let done = 0;
    for (let from = 0; from < entries.length; from += BATCH) {
      const part = entries.slice(from, from + BATCH);
      const refusals = await this.#connection.batch({
        count: part.length,
        write: (writer, index, sequence) => {
          writer.begin(type, Flag.request | Flag.ack, sequence);
          write(writer, part[index]!);
          writer.end();
        },
      });
      done += part.length - refusals.size;
      for (const [index, refusal] of refusals)
        if (refusal.errno !== ENOENT) refused.push({ entry: part[index]!, refusal });
    }
    return { done, refused };
  }
}
