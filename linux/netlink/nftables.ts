/**
 * Notifications of nf_tables (pure; linux/netfilter/nf_tables.h). What one process changes at one stroke comes as messages, and after them
 * NFT_MSG_NEWGEN, which says whose it was.
 *
 *     +----------------------------------+-----------+-------------+----------------+
 *     | netlink header, type = 10 << 8 | msg | family (8) | version (8) | res_id (16)    |  then attributes
 *     +----------------------------------+-----------+-------------+----------------+
 */
import {
  AddressFamilyNumber,
  NftablesAttribute as Attribute,
  NFTABLES_SUBSYSTEM,
  NftablesMessage,
} from './constants.js';
import { eachAttribute, type Message, messages, readText, viewOf } from './message.js';

/** One stroke. */
export interface NftablesTransaction {
  /** Of the process, as the first process of the machine sees it. */
  readonly pid: number;
  /** Up to 15 characters of its name. */
  readonly processName: string;
  readonly touched: readonly TouchedChain[];
}

export interface TouchedChain {
  readonly family: 'ipv4' | 'ipv6' | 'other';
  readonly table: string;
  /** Undefined: the whole table. */
  readonly chain: string | undefined;
}

const HEADER = 4;

/** Puts messages together to transactions, which may be longer than a datagram. */
export class NftablesReader {
  /** By family, table and chain: rules of one chain are told of once. */
  #touched = new Map<string, TouchedChain>();

  read(datagram: Uint8Array): readonly NftablesTransaction[] {
    const transactions: NftablesTransaction[] = [];
    for (const message of messages(datagram)) {
      if (message.type >> 8 !== NFTABLES_SUBSYSTEM || message.end - message.start < HEADER) continue;
      const kind = message.type & 0xff;
      if (kind === NftablesMessage.newGeneration) {
        const { pid, processName } = parseGeneration(message);
        transactions.push({ pid, processName, touched: [...this.#touched.values()] });
        this.#touched = new Map();
      } else this.#touch(kind, message);
    }
    return transactions;
  }

  #touch(kind: number, { bytes, start, end }: Message): void {
    const number = bytes[start]!;
    const family =
      number === AddressFamilyNumber.ipv4 ? 'ipv4' : number === AddressFamilyNumber.ipv6 ? 'ipv6' : 'other';
    const chainAt = chainAttribute(kind);
    if (chainAt === undefined) return;
    let table = '';
    let chain: string | undefined;
    eachAttribute(bytes, start + HEADER, end, (type, valueStart, valueEnd) => {
      if (type === Attribute.table) table = readText(bytes, valueStart, valueEnd);
      else if (type === chainAt) chain = readText(bytes, valueStart, valueEnd);
    });
    this.#touched.set(`${family} ${table} ${chain}`, { family, table, chain });
  }
}

/** 0: the message is of a whole table. Undefined: it is of something else. */
function chainAttribute(kind: number): number | undefined {
  switch (kind) {
    case NftablesMessage.newTable:
    case NftablesMessage.delTable:
      return 0;
    case NftablesMessage.newChain:
    case NftablesMessage.delChain:
      return Attribute.chainName;
    case NftablesMessage.newRule:
    case NftablesMessage.delRule:
      return Attribute.ruleChain;
    default:
      return undefined;
  }
}

function parseGeneration({ bytes, start, end }: Message): { pid: number; processName: string } {
  let [pid, processName] = [0, ''];
  eachAttribute(bytes, start + HEADER, end, (type, valueStart, valueEnd) => {
    if (type === Attribute.generationPid && valueEnd - valueStart >= 4)
      pid = viewOf(bytes).getUint32(valueStart);
    else if (type === Attribute.generationName) processName = readText(bytes, valueStart, valueEnd);
  });
  return { pid, processName };
}
