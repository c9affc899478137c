/** SHELL: hears by nftables' notifications what other processes do to our chains and to built-in ones. */
import { NFTABLES_GROUP } from '../../linux/netlink/constants.js';
import { openNetfilterTransport } from '../../linux/netlink/koffi-transport.js';
import { NftablesReader, type NftablesTransaction } from '../../linux/netlink/nftables.js';
import type { NetlinkTransport, OpenNetlink } from '../../linux/netlink/transport.js';
import { CHAIN_PREFIX, type TableName } from '../rendered.js';
import type { ForeignChange, OpenForeignWatch, WatchedTable } from './foreign-changes.js';
import type { FilterKernel } from './kernel.js';

export interface NftablesWatchOptions {
  readonly kernel: Pick<FilterKernel, 'isOwnChild'>;
  readonly networkNamespace?: string | undefined;
  readonly open?: OpenNetlink;
}

const REOPEN_MS = 100;

export function nftablesWatch(options: NftablesWatchOptions): OpenForeignWatch {
  return changed => {
    const { kernel, networkNamespace, open = openNetfilterTransport } = options;
    let watched: readonly WatchedTable[] = [];
    let transport: NetlinkTransport | undefined;
    let reopen: NodeJS.Timeout | undefined;
    let closed = false;
    const start = () => {
      const reader = new NftablesReader();
      transport = open({
        groups: [NFTABLES_GROUP],
        networkNamespace,
        received: datagram => {
          const foreign = reader.read(datagram).filter(({ pid }) => !kernel.isOwnChild(pid));
          const changes = foreign.flatMap(transaction => changesOf(transaction, watched));
          if (changes.length > 0) changed(changes);
        },
        failed: again,
      });
    };
    const again = () => {
      if (closed) return;
      try {
        start();
        changed([{ table: undefined, by: undefined, atMostAgoMs: 0 }]);
      } catch {
        reopen = setTimeout(again, REOPEN_MS);
      }
    };
    start();
    return {
      watch: tables => {
        watched = tables;
      },
      close() {
        closed = true;
        clearTimeout(reopen);
        transport?.close();
      },
    };
  };
}

const builtIn: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

/** What of a transaction concerns us: chains of others do not. */
export function changesOf(
  { processName, touched }: NftablesTransaction,
  watched: readonly WatchedTable[],
): readonly ForeignChange[] {
  const concerned = watched.filter(({ family, table }) =>
    touched.some(
      one =>
        one.family === family &&
        one.table === (table satisfies TableName) &&
        (one.chain === undefined || builtIn.has(one.chain) || one.chain.startsWith(CHAIN_PREFIX)),
    ),
  );
  return concerned.map(table => ({ table, by: processName, atMostAgoMs: 0 }));
}
