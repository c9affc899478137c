/**
 * SHELL: how a table of the legacy iptables looks from afar: the number and the size of its rules, and where its built-in chains begin
 * (linux/netfilter_ipv4/ip_tables.h: IPT_SO_GET_INFO). Costs microseconds, takes no lock, and changes with almost everything that is done to the
 * table: not where a rule is replaced by one of the same size.
 *
 *     name (32 octets) | valid_hooks | hook_entry (5) | underflow (5) | num_entries | size        each of 32 bits
 */
import type { AddressFamily } from '../core/ip-address.js';
import { close, fillOption, SocketDomain, SocketType, socket } from './libc.js';
import { insideNamespace } from './namespace.js';

const NAME_LENGTH = 32;
const INFO_LENGTH = NAME_LENGTH + 4 * 13;
const IPPROTO_RAW = 255;
/** IPPROTO_IP, IPPROTO_IPV6 */
const levels: Readonly<Record<AddressFamily, number>> = { ipv4: 0, ipv6: 41 };
const GET_INFO = 64;

export interface IptablesInfo {
  /** Equal answers, equal tables, as far as can be seen. The table must be in use: asking for another makes it. @throws SystemError */
  fingerprint(family: AddressFamily, table: string): string;
  close(): void;
}

/** @param networkNamespace path of one to look into; the process's own by default @throws SystemError: EPERM without CAP_NET_ADMIN */
export function openIptablesInfo(networkNamespace?: string): IptablesInfo {
  const domains = { ipv4: SocketDomain.inet, ipv6: SocketDomain.inet6 } as const;
  const sockets = new Map<AddressFamily, number>();
  const open = (family: AddressFamily) =>
    socket(domains[family], SocketType.raw | SocketType.nonblock, IPPROTO_RAW);
  const socketOf = (family: AddressFamily) => {
    const known = sockets.get(family);
    if (known !== undefined) return known;
    const fd =
      networkNamespace === undefined ? open(family) : insideNamespace(networkNamespace, () => open(family));
    sockets.set(family, fd);
    return fd;
  };
  return {
    fingerprint(family, table) {
      const info = new Uint8Array(INFO_LENGTH);
      new TextEncoder().encodeInto(table, info.subarray(0, NAME_LENGTH - 1));
      fillOption(socketOf(family), levels[family], GET_INFO, info);
      return Buffer.from(info).toString('latin1');
    },
    close() {
      for (const fd of sockets.values()) close(fd);
      sockets.clear();
    },
  };
}
