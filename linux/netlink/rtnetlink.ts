/**
 * SHELL: what the rest of the house asks of rtnetlink: tables read whole, changes written in batches.
 */
import type { Prefix } from '../../core/prefix.js';
import { errnoName } from '../libc.js';
import { type InterfaceAddress, parseAddress, writeAddress, writeAddressDump } from './address.js';
import { type FdbEntry, parseFdbEntry, writeFdbDump, writeFdbEntry } from './bridge-fdb.js';
import { DumpRefusedError, type KernelRefusal, NetlinkConnection } from './connection.js';
import { Flag, MessageType, RouteTable } from './constants.js';
import { openKoffiTransport } from './koffi-transport.js';
import {
  type Link,
  type LinkChange,
  type NewLink,
  parseLink,
  writeLinkDeletion,
  writeLinkDump,
} from './link.js';
import {
  changeRequests,
  creationRequests,
  freeIfindexes,
  type LinkRequest,
  refusalsByPlace,
} from './link-requests.js';
import type { Message, MessageWriter } from './message.js';
import { type Neighbour, parseNeighbour, writeNeighbour, writeNeighbourDump } from './neighbour.js';
import {
  parseRoute,
  type Route,
  type RouteForm,
  routeProtocol,
  writeRoute,
  writeRouteFilter,
  writeRouteKey,
} from './route.js';
import { parseRule, type Rule, writeRule, writeRuleDump } from './rule.js';
import type { OpenNetlink } from './transport.js';

export interface RouteOperation {
  /**
   * - create: fails with EEXIST where there is a route of this key, whosever it is
   * - replace: takes the place of whatever has this key; only for what was read back as ours
   */
  readonly kind: 'create' | 'replace' | 'delete';
  readonly destination: Prefix;
  readonly form: RouteForm;
}

/** A datagram must fit into the socket's buffer, and the event loop waits for it. Even: a link's two messages stay together. */
const LONGEST_BATCH = 1024;

export interface RtnetlinkOptions {
  readonly networkNamespace?: string | undefined;
  readonly open?: OpenNetlink;
  /** Told of the port that changes are made through, for {@link KernelMonitor.ignoreSender}. */
  readonly opened?: ((port: number) => void) | undefined;
}

export class Rtnetlink {
  readonly #connection: NetlinkConnection;

  constructor(options: RtnetlinkOptions = {}) {
    const { open = openKoffiTransport, networkNamespace, opened } = options;
    this.#connection = new NetlinkConnection(open, networkNamespace, opened);
  }

  /** Every route of the table, or those of one protocol. Neither cache entries nor other tables. */
  async routes(filter: {
    readonly family: 'ipv4' | 'ipv6';
    readonly table?: number;
    /** 0 or absent: any. */
    readonly protocol?: number;
    /** Left out, and not even looked at. */
    readonly exceptProtocol?: number;
  }): Promise<readonly Route[]> {
    const { family, table = RouteTable.main, protocol = 0, exceptProtocol } = filter;
    const found = await this.#dump(
      MessageType.getRoute,
      writer => writeRouteFilter(writer, { family, table, protocol }),
      MessageType.newRoute,
      message => (routeProtocol(message) === exceptProtocol ? undefined : parseRoute(message)),
    ).catch(error => {
      // The kernel makes a table with its first route: a host that has just booted may have none.
      if (error instanceof DumpRefusedError && error.errno === ENOENT) return [];
      throw error;
    });
    // A kernel without strict checking filters nothing.
    return found.filter(
      route => !route.cloned && route.table === table && (protocol === 0 || route.protocol === protocol),
    );
  }

  links(): Promise<readonly Link[]> {
    return this.#dump(MessageType.getLink, writeLinkDump, MessageType.newLink, parseLink);
  }

  addresses(): Promise<readonly InterfaceAddress[]> {
    return this.#dump(MessageType.getAddress, writeAddressDump, MessageType.newAddress, parseAddress);
  }

  neighbours(): Promise<readonly Neighbour[]> {
    return this.#dump(MessageType.getNeighbour, writeNeighbourDump, MessageType.newNeighbour, parseNeighbour);
  }

  /** The forwarding databases of all VXLAN devices. */
  fdb(): Promise<readonly FdbEntry[]> {
    return this.#dump(MessageType.getNeighbour, writeFdbDump, MessageType.newNeighbour, parseFdbEntry);
  }

  rules(family: 'ipv4' | 'ipv6'): Promise<readonly Rule[]> {
    return this.#dump(
      MessageType.getRule,
      writer => writeRuleDump(writer, family),
      MessageType.newRule,
      parseRule,
    );
  }

  /** Refusals by place in `operations`. @throws if the socket fails */
  changeRoutes(operations: readonly RouteOperation[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batches(operations, writeRouteOperation);
  }

  /**
   * Makes tunnel devices, down, with all that is said of them. What is there is never touched: EEXIST where there is a link of that name,
   * or a tunnel of those parameters.
   */
  async createLinks(links: readonly NewLink[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    if (links.length === 0) return new Map();
    const taken = (await this.links()).map(({ ifindex }) => ifindex);
    const ifindexes = freeIfindexes(taken, links.length, Math.random);
    return this.#linkRequests(creationRequests(links, ifindexes));
  }

  /** A change of several things that is refused may have been done in part. */
  changeLinks(changes: readonly LinkChange[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#linkRequests(changeRequests(changes));
  }

  /** With their addresses, routes, neighbours and forwarding databases. */
  deleteLinks(ifindexes: readonly number[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.delLink, 0, ifindexes, writeLinkDeletion);
  }

  addAddresses(entries: readonly InterfaceAddress[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.newAddress, Flag.create | Flag.exclusive, entries, writeAddress);
  }

  /** With the routes of their subnets. */
  deleteAddresses(entries: readonly InterfaceAddress[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.delAddress, 0, entries, writeAddress);
  }

  /** Takes the place of what was there for the same address. */
  addNeighbours(entries: readonly Neighbour[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.newNeighbour, Flag.create | Flag.replace, entries, writeNeighbour);
  }

  deleteNeighbours(entries: readonly Neighbour[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.delNeighbour, 0, entries, writeNeighbour);
  }

  /** Takes the place of what was there for the same MAC address. */
  addFdbEntries(entries: readonly FdbEntry[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.newNeighbour, Flag.create | Flag.replace, entries, writeFdbEntry);
  }

  deleteFdbEntries(entries: readonly FdbEntry[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.delNeighbour, 0, entries, writeFdbEntry);
  }

  addRules(rules: readonly Rule[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batch(MessageType.newRule, Flag.create | Flag.exclusive, rules, writeRule);
  }

  close(): void {
    this.#connection.close();
  }

  async #linkRequests(requests: readonly LinkRequest[]): Promise<ReadonlyMap<number, KernelRefusal>> {
    const refusals = await this.#batches(requests, (writer, request, sequence) => {
      writer.begin(MessageType.newLink, request.flags | Flag.request, sequence);
      request.write(writer);
      writer.end();
    });
    return refusalsByPlace(requests, refusals);
  }

  /** One message an item. */
  #batch<T>(
    type: number,
    flags: number,
    items: readonly T[],
    write: (writer: MessageWriter, item: T) => void,
  ): Promise<ReadonlyMap<number, KernelRefusal>> {
    return this.#batches(items, (writer, item, sequence) => {
      writer.begin(type, flags | Flag.request, sequence);
      write(writer, item);
      writer.end();
    });
  }

  /** Refusals by place in `items`, however many batches these make. */
  async #batches<T>(
    items: readonly T[],
    write: (writer: MessageWriter, item: T, sequence: number) => void,
  ): Promise<ReadonlyMap<number, KernelRefusal>> {
    const refusals = new Map<number, KernelRefusal>();
    for (let at = 0; at < items.length; at += LONGEST_BATCH) {
      const some = await this.#connection.batch({
        count: Math.min(LONGEST_BATCH, items.length - at),
        write: (writer, i, sequence) => write(writer, items[at + i]!, sequence),
      });
      for (const [i, refusal] of some) refusals.set(at + i, refusal);
    }
    return refusals;
  }

  async #dump<T>(
    type: number,
    write: (writer: MessageWriter) => void,
    answer: number,
    parse: (message: Message) => T | undefined,
  ): Promise<readonly T[]> {
    let found: T[] = [];
    await this.#connection.dump(
      { type, flags: 0, write },
      () => {
        found = [];
      },
      message => {
        if (message.type !== answer) return;
        const parsed = parse(message);
        if (parsed !== undefined) found.push(parsed);
      },
    );
    return found;
  }
}

const ENOENT = 2;

/** Hot path. */
function writeRouteOperation(
  writer: MessageWriter,
  { kind, destination, form }: RouteOperation,
  sequence: number,
): void {
  switch (kind) {
    case 'create':
      writer.begin(MessageType.newRoute, Flag.request | Flag.create | Flag.exclusive, sequence);
      writeRoute(writer, destination, form);
      break;
    case 'replace':
      writer.begin(MessageType.newRoute, Flag.request | Flag.create | Flag.replace, sequence);
      writeRoute(writer, destination, form);
      break;
    case 'delete':
      writer.begin(MessageType.delRoute, Flag.request, sequence);
      writeRouteKey(writer, destination, form);
      break;
  }
  writer.end();
}

/** "EEXIST", or "EINVAL: Nexthop has invalid gateway" where the kernel said why. */
export function describeRefusal({ errno, text }: KernelRefusal): string {
  return text === '' ? errnoName(errno) : `${errnoName(errno)}: ${text}`;
}
