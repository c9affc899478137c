/** SHELL: asks the kernel for the headers of its ipsets. Needs CAP_NET_ADMIN. */
import { NetlinkConnection } from './connection.js';
import { IPSET_LIST, type IpsetHeader, readIpsetHeader, writeIpsetHeadersDump } from './ipset.js';
import { openNetfilterTransport } from './koffi-transport.js';
import type { OpenNetlink } from './transport.js';

export class IpsetHeaders {
  readonly #connection: NetlinkConnection;

  /** @param networkNamespace as for a netlink transport */
  constructor(networkNamespace?: string, open: OpenNetlink = openNetfilterTransport) {
    this.#connection = new NetlinkConnection(open, networkNamespace);
  }

  /** By name, of every set there is. @throws where the kernel refuses, e.g. without ipsets */
  async read(): Promise<ReadonlyMap<string, IpsetHeader>> {
    let found = new Map<string, IpsetHeader>();
    await this.#connection.dump(
      { type: IPSET_LIST, flags: 0, write: writeIpsetHeadersDump },
      () => {
        found = new Map();
      },
      message => {
        const header = message.type === IPSET_LIST ? readIpsetHeader(message) : undefined;
        if (header !== undefined) found.set(header.name, header);
      },
    );
    return found;
  }

  close(): void {
    this.#connection.close();
  }
}
