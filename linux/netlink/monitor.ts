/**
 * SHELL: the kernel's notifications of links, addresses and routes, and of neighbours where they are wanted. They are hints: what they miss (an overflow of the socket, the
 * routes that go with a link) is said by `resynchronise`, and whoever listens reads back what concerns it.
 */
import { type InterfaceAddress, parseAddress } from './address.js';
import { type FdbEntry, parseFdbEntry, permanentFdbState } from './bridge-fdb.js';
import { Group, MessageType, NeighbourState } from './constants.js';
import { openKoffiTransport } from './koffi-transport.js';
import { type Link, parseLink } from './link.js';
import { type Message, messages } from './message.js';
import { type Neighbour, neighbourState, parseNeighbour } from './neighbour.js';
import { parseRoute, type Route } from './route.js';
import type { NetlinkTransport, OpenNetlink } from './transport.js';

export type KernelChange =
  | { readonly kind: 'link'; readonly link: Link; readonly gone: boolean }
  | { readonly kind: 'address'; readonly address: InterfaceAddress; readonly gone: boolean }
  | { readonly kind: 'route'; readonly route: Route; readonly gone: boolean }
  /** A permanent one is there or has changed, or any is gone: the kernel does not tell what that had been. */
  | { readonly kind: 'neighbour'; readonly neighbour: Neighbour; readonly gone: boolean }
  /** Permanent entries only. */
  | { readonly kind: 'fdb'; readonly entry: FdbEntry; readonly gone: boolean }
  /** Notifications may have been lost: everything must be read back. */
  | { readonly kind: 'resynchronise'; readonly reason: string };

const groups = [Group.link, Group.ipv4Address, Group.ipv6Address, Group.ipv4Route, Group.ipv6Route] as const;

const REOPEN_MS = 100;

export interface KernelMonitorOptions {
  readonly networkNamespace?: string | undefined;
  readonly open?: OpenNetlink;
  /**
   * Whether changes of neighbours and forwarding databases are told; false by default. The kernel notifies of every step of address
   * resolution, some a minute and neighbour, which are read no further than their state.
   */
  readonly neighbours?: boolean;
}

export class KernelMonitor {
  readonly #open: OpenNetlink;
  readonly #networkNamespace: string | undefined;
  readonly #groups: readonly number[];
  readonly #changed: (changes: readonly KernelChange[]) => void;
  #transport: NetlinkTransport | undefined;
  #ignored: number | undefined;
  #reopen: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param changed called with what one datagram tells @throws SystemError where no socket can be had */
  constructor(changed: (changes: readonly KernelChange[]) => void, options: KernelMonitorOptions = {}) {
    this.#changed = changed;
    this.#open = options.open ?? openKoffiTransport;
    this.#networkNamespace = options.networkNamespace;
    this.#groups = options.neighbours === true ? [...groups, Group.neighbour] : groups;
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
      groups: this.#groups,
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
      case MessageType.newNeighbour:
      case MessageType.delNeighbour: {
        const change = neighbourChange(message);
        if (change !== undefined) changes.push(change);
        break;
      }
    }
  }
  return changes;
}

function neighbourChange(message: Message): KernelChange | undefined {
  const gone = message.type === MessageType.delNeighbour;
  const state = neighbourState(message);
  if (!gone && (state & NeighbourState.permanent) === 0) return undefined;
  const neighbour = parseNeighbour(message);
  if (neighbour !== undefined) return { kind: 'neighbour', neighbour, gone };
  const entry = (state & permanentFdbState) === 0 ? undefined : parseFdbEntry(message);
  return entry === undefined ? undefined : { kind: 'fdb', entry, gone };
}
