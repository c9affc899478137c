/**
 * SHELL: the kernel's notifications of links, addresses and routes. They are hints: what they miss (an overflow of the socket, the
 * routes that go with a link) is said by `resynchronise`, and whoever listens reads back what concerns it.
 */
import { type InterfaceAddress, parseAddress } from './address.js';
import { Group, MessageType } from './constants.js';
import { openKoffiTransport } from './koffi-transport.js';
import { type Link, parseLink } from './link.js';
import { messages } from './message.js';
import { parseRoute, type Route } from './route.js';
import type { NetlinkTransport, OpenNetlink } from './transport.js';

export type KernelChange =
  | { readonly kind: 'link'; readonly link: Link; readonly gone: boolean }
  | { readonly kind: 'address'; readonly address: InterfaceAddress; readonly gone: boolean }
  | { readonly kind: 'route'; readonly route: Route; readonly gone: boolean }
  /** Notifications may have been lost: everything must be read back. */
  | { readonly kind: 'resynchronise'; readonly reason: string };

const groups = [Group.link, Group.ipv4Address, Group.ipv6Address, Group.ipv4Route, Group.ipv6Route] as const;

const REOPEN_MS = 100;

export class KernelMonitor {
  readonly #open: OpenNetlink;
  readonly #networkNamespace: string | undefined;
  readonly #changed: (changes: readonly KernelChange[]) => void;
  #transport: NetlinkTransport | undefined;
  #ignored: number | undefined;
  #reopen: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param changed called with what one datagram tells @throws SystemError where no socket can be had */
  constructor(
    changed: (changes: readonly KernelChange[]) => void,
    options: { readonly networkNamespace?: string | undefined; readonly open?: OpenNetlink } = {},
  ) {
    this.#changed = changed;
    this.#open = options.open ?? openKoffiTransport;
    this.#networkNamespace = options.networkNamespace;
    this.#start();
  }

  /** What is done through that socket is known to whoever does it: it is not told any more. */
  ignoreSender(port: number): void {
    this.#ignored = port;
    this.#transport?.ignoreSender(port);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopen);
    this.#transport?.close();
  }

  #start(): void {
    this.#transport = this.#open({
      groups,
      networkNamespace: this.#networkNamespace,
      received: datagram => {
        const changes = parseChanges(datagram, this.#ignored);
        if (changes.length > 0) this.#changed(changes);
      },
      failed: ({ code, message }) => this.#failed(code === '' ? message : code),
    });
    if (this.#ignored !== undefined) this.#transport.ignoreSender(this.#ignored);
  }

  #failed(reason: string): void {
    if (this.#closed) return;
    try {
      this.#start();
      this.#changed([{ kind: 'resynchronise', reason }]);
    } catch {
      this.#reopen = setTimeout(() => this.#failed(reason), REOPEN_MS);
    }
  }
}

/** Pure. @param ignored the port whose doings are left out */
export function parseChanges(datagram: Uint8Array, ignored?: number): readonly KernelChange[] {
  const changes: KernelChange[] = [];
  for (const message of messages(datagram)) {
    if (message.port === ignored) continue;
    switch (message.type) {
      case MessageType.newLink:
      case MessageType.delLink:
        changes.push({
          kind: 'link',
          link: parseLink(message),
          gone: message.type === MessageType.delLink,
        });
        break;
      case MessageType.newAddress:
      case MessageType.delAddress: {
        const address = parseAddress(message);
        const gone = message.type === MessageType.delAddress;
        if (address !== undefined) changes.push({ kind: 'address', address, gone });
        break;
      }
      case MessageType.newRoute:
      case MessageType.delRoute: {
        const route = parseRoute(message);
        const gone = message.type === MessageType.delRoute;
        if (route !== undefined && !route.cloned) changes.push({ kind: 'route', route, gone });
        break;
      }
    }
  }
  return changes;
}
