/**
 * A netlink socket as a port. The default adapter is `koffi-transport.ts`; `node-netlink-transport.ts` is an optional second one,
 * and the tests' independent check (docs/decisions/0001-netlink-transport.md).
 */
export interface NetlinkTransport {
  /** Sends one datagram: any number of messages. The bytes may be reused afterwards. */
  send(bytes: Uint8Array): void;
  /** What the kernel calls this socket (nl_pid): notifications of what is done through it carry the number. */
  readonly port: number;
  /** Best effort: notifications of what is done through that socket need not be received. */
  ignoreSender(port: number): void;
  close(): void;
}

export interface NetlinkTransportOptions {
  /** Multicast groups to join (enum rtnetlink_groups). */
  readonly groups: readonly number[];
  /** Path of a network namespace to be in, e.g. `/run/netns/X`; undefined: the process's own. */
  readonly networkNamespace: string | undefined;
  /** One datagram; the bytes are valid during the call. */
  readonly received: (datagram: Uint8Array) => void;
  /**
   * The socket is of no use any more. `ENOBUFS` means that notifications were lost: open another and read everything back.
   */
  readonly failed: (error: { readonly code: string; readonly message: string }) => void;
}

/** @throws with `code` where no socket can be had */
export type OpenNetlink = (options: NetlinkTransportOptions) => NetlinkTransport;
