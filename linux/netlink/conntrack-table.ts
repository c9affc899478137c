/** SHELL: the connections that the kernel tracks, and their end. Needs CAP_NET_ADMIN. */
import { NetlinkConnection } from './connection.js';
import {
  type ConntrackEntry,
  ConntrackMessage,
  readConntrackEntry,
  writeConntrackDelete,
  writeConntrackDump,
  writeConntrackFlush,
} from './conntrack.js';
import { Flag } from './constants.js';
import { openNetfilterTransport } from './koffi-transport.js';

/** Entries whose end is asked for at once. */
const BATCH = 512;
/** errno.h: it has ended by itself meanwhile. */
const ENOENT = 2;

export class ConntrackTable {
  readonly #connection: NetlinkConnection;

  /** @param networkNamespace as for a netlink transport */
  constructor(networkNamespace?: string) {
    this.#connection = new NetlinkConnection(openNetfilterTransport, networkNamespace);
  }

  /** All entries that `selects`. @throws where the kernel refuses, e.g. without connection tracking */
  async find(selects: (entry: ConntrackEntry) => boolean): Promise<readonly ConntrackEntry[]> {
    let found: ConntrackEntry[] = [];
    await this.#connection.dump(
      { type: ConntrackMessage.get, flags: 0, write: writer => writeConntrackDump(writer) },
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

  /** Ends what `selects`: the next packet of such a connection is the first of a new one. Returns how many there were. */
  async end(selects: (entry: ConntrackEntry) => boolean): Promise<number> {
    const entries = await this.find(selects);
    let ended = 0;
    for (let from = 0; from < entries.length; from += BATCH) {
      const part = entries.slice(from, from + BATCH);
      const refusals = await this.#connection.batch({
        count: part.length,
        write: (writer, index, sequence) => {
          writer.begin(ConntrackMessage.delete, Flag.request | Flag.ack, sequence);
          writeConntrackDelete(writer, part[index]!);
          writer.end();
        },
      });
      for (const { errno, text } of refusals.values()) {
        if (errno !== ENOENT) throw new Error(`connection tracking: errno ${errno} ${text}`.trimEnd());
      }
      ended += part.length - refusals.size;
    }
    return ended;
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
}
