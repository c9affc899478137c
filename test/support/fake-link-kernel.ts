/**
 * Links with their addresses, neighbours and forwarding databases: counts what is done to them, refuses what it is told to refuse, and can
 * lose its socket. Stands for `Rtnetlink`; that it does what a real kernel does is the matter of one suite for both (link-contract.ts).
 */
import type { InterfaceAddress } from '../../linux/netlink/address.js';
import { type FdbEntry, permanentFdbState } from '../../linux/netlink/bridge-fdb.js';
import type { KernelRefusal } from '../../linux/netlink/connection.js';
import type { Link, LinkChange, NewLink } from '../../linux/netlink/link.js';
import type { Neighbour } from '../../linux/netlink/neighbour.js';
import {
  changed,
  Errno,
  isUnicast,
  made,
  plainLink,
  type Refusal,
  refusal,
  ZEROS,
} from './fake-link-device.js';

const IFA_F_PERMANENT = 0x80;

type Refusals = Promise<ReadonlyMap<number, KernelRefusal>>;

export class FakeLinkKernel {
  readonly #links = new Map<number, Link>();
  readonly #addresses = new Map<string, InterfaceAddress>();
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #fdb = new Map<string, FdbEntry>();
  readonly #refused = new Map<string, KernelRefusal>();
  #nextIfindex = 1;
  #socketFailures = 0;
  /** Dumps and batches of anything; what was asked for in batches, one by one. */
  readonly calls = {
    dumps: 0,
    batches: 0,
    createLinks: 0,
    changeLinks: 0,
    deleteLinks: 0,
    addAddresses: 0,
    deleteAddresses: 0,
    addNeighbours: 0,
    deleteNeighbours: 0,
    addFdbEntries: 0,
    deleteFdbEntries: 0,
  };

  constructor() {
    this.put({ name: 'lo', linkLayerAddress: ZEROS, mtu: 65536, up: true, carrier: true, loopback: true });
  }

  /**
   * Every write to it is refused until {@link accept}.
   *
   * @param what a link's name, an address of a link or of a neighbour, a MAC address in a forwarding database
   */
  refuse(what: string, errno: number, text = ''): void {
    this.#refused.set(what, { errno, text });
  }

  accept(what: string): void {
    this.#refused.delete(what);
  }

  /** The next calls end in a failure of the socket: the first half of a batch is done nevertheless. */
  failNext(times = 1): void {
    this.#socketFailures = times;
  }

  get writes(): number {
    const { dumps, batches, ...writes } = this.calls;
    return Object.values(writes).reduce((sum, count) => sum + count, 0);
  }

  /** Somebody else's hand: a link of any kind, in the place of one with that index. Returns its index. */
  put(link: Partial<Link> & { readonly name: string }): number {
    const ifindex = link.ifindex ?? this.#nextIfindex;
    this.#nextIfindex = Math.max(this.#nextIfindex, ifindex + 1);
    this.#links.set(ifindex, { ...plainLink, ...link, ifindex });
    return ifindex;
  }

  /** Somebody else's hand. */
  remove(name: string): void {
    const link = this.link(name);
    if (link !== undefined) this.#forgetLink(link.ifindex);
  }

  link(name: string): Link | undefined {
    return [...this.#links.values()].find(link => link.name === name);
  }

  links(): Promise<readonly Link[]> {
    return this.#dump(this.#links);
  }

  addresses(): Promise<readonly InterfaceAddress[]> {
    return this.#dump(this.#addresses);
  }

  neighbours(): Promise<readonly Neighbour[]> {
    return this.#dump(this.#neighbours);
  }

  fdb(): Promise<readonly FdbEntry[]> {
    return this.#dump(this.#fdb);
  }

  createLinks(links: readonly NewLink[]): Refusals {
    return this.#batch(
      'createLinks',
      links,
      ({ name }) => name,
      link => {
        const result = made([...this.#links.values()], link, this.#nextIfindex);
        if ('errno' in result) return result;
        this.put(result);
        return undefined;
      },
    );
  }

  changeLinks(changes: readonly LinkChange[]): Refusals {
    return this.#batch('changeLinks', changes, this.#nameOf, change => {
      const link = this.#links.get(change.ifindex);
      if (link === undefined) return refusal(Errno.ENODEV);
      const others = [...this.#links.values()].filter(other => other !== link);
      const [now, refused] = changed(others, link, change);
      this.#links.set(link.ifindex, now);
      const down = link.up && !now.up;
      if (down || now.linkLayerAddress !== link.linkLayerAddress) forget(this.#neighbours, link.ifindex);
      if (down) forget(this.#fdb, link.ifindex, ({ state }) => (state & permanentFdbState) === 0);
      return refused;
    });
  }

  deleteLinks(ifindexes: readonly number[]): Refusals {
    return this.#batch(
      'deleteLinks',
      ifindexes,
      ifindex => this.#nameOf({ ifindex }),
      ifindex => {
        const link = this.#links.get(ifindex);
        if (link === undefined) return refusal(Errno.ENODEV);
        if (link.kind === '') return refusal(Errno.EOPNOTSUPP);
        this.#forgetLink(ifindex);
        return undefined;
      },
    );
  }

  addAddresses(entries: readonly InterfaceAddress[]): Refusals {
    return this.#batch('addAddresses', entries, addressOf, entry => {
      if (!this.#links.has(entry.ifindex)) return refusal(Errno.ENODEV, 'ipv4: Device not found');
      const key = addressKey(entry);
      if (this.#addresses.has(key)) return refusal(Errno.EEXIST, 'ipv4: Address already assigned');
      this.#addresses.set(key, { ...entry, flags: entry.flags | IFA_F_PERMANENT });
      return undefined;
    });
  }

  deleteAddresses(entries: readonly InterfaceAddress[]): Refusals {
    return this.#batch('deleteAddresses', entries, addressOf, entry => {
      if (!this.#links.has(entry.ifindex)) return refusal(Errno.ENODEV, 'ipv4: Device not found');
      const there = this.#addresses.delete(addressKey(entry));
      return there ? undefined : refusal(Errno.EADDRNOTAVAIL, 'ipv4: Address not found');
    });
  }

  addNeighbours(entries: readonly Neighbour[]): Refusals {
    return this.#batch('addNeighbours', entries, addressOf, entry => {
      if (!this.#links.has(entry.ifindex)) return refusal(Errno.ENODEV);
      this.#neighbours.set(neighbourKey(entry), entry);
      return undefined;
    });
  }

  deleteNeighbours(entries: readonly Neighbour[]): Refusals {
    return this.#batch('deleteNeighbours', entries, addressOf, entry => {
      if (!this.#links.has(entry.ifindex)) return refusal(Errno.ENODEV);
      return this.#neighbours.delete(neighbourKey(entry)) ? undefined : refusal(Errno.ENOENT);
    });
  }

  addFdbEntries(entries: readonly FdbEntry[]): Refusals {
    return this.#batch('addFdbEntries', entries, macOf, entry => {
      const refused = this.#fdbRefusal(entry);
      if (refused !== undefined) return refused;
      // The one for everything else, and those of groups, can be added to but not replaced.
      if (!isUnicast(entry.linkLayerAddress)) return refusal(Errno.EOPNOTSUPP);
      this.#fdb.set(fdbKey(entry), entry);
      return undefined;
    });
  }

  deleteFdbEntries(entries: readonly FdbEntry[]): Refusals {
    return this.#batch('deleteFdbEntries', entries, macOf, entry => {
      const refused = this.#fdbRefusal(entry);
      if (refused !== undefined) return refused;
      const there = this.#fdb.get(fdbKey(entry));
      if (there === undefined) return refusal(Errno.ENOENT);
      // Another destination is no error, and nothing is done.
      if (there.destination === entry.destination) this.#fdb.delete(fdbKey(entry));
      return undefined;
    });
  }

  #fdbRefusal({ ifindex }: FdbEntry): Refusal {
    const link = this.#links.get(ifindex);
    if (link === undefined) return refusal(Errno.ENODEV, 'unknown ifindex');
    return link.kind === 'vxlan' ? undefined : refusal(Errno.EINVAL);
  }

  #nameOf = ({ ifindex }: { readonly ifindex: number }) => this.#links.get(ifindex)?.name;

  #forgetLink(ifindex: number): void {
    this.#links.delete(ifindex);
    forget(this.#addresses, ifindex);
    forget(this.#neighbours, ifindex);
    forget(this.#fdb, ifindex);
  }

  async #dump<T>(table: ReadonlyMap<unknown, T>): Promise<readonly T[]> {
    this.calls.dumps++;
    await turn();
    if (this.#socketFails()) throw new Error('netlink: ENOBUFS');
    return [...table.values()];
  }

  /** @param what the name under which {@link refuse} knows it */
  async #batch<T>(
    call: Exclude<keyof FakeLinkKernel['calls'], 'dumps' | 'batches'>,
    items: readonly T[],
    what: (item: T) => string | undefined,
    write: (item: T) => Refusal,
  ): Refusals {
    const refusals = new Map<number, KernelRefusal>();
    if (items.length === 0) return refusals;
    this.calls.batches++;
    const fails = this.#socketFails();
    const reached = fails ? items.slice(0, items.length / 2) : items;
    for (const [i, item] of reached.entries()) {
      this.calls[call]++;
      const refused = this.#refused.get(what(item) ?? '') ?? write(item);
      if (refused !== undefined) refusals.set(i, refused);
    }
    await turn();
    if (fails) throw new Error('netlink: ENOBUFS');
    return refusals;
  }

  #socketFails(): boolean {
    if (this.#socketFailures === 0) return false;
    this.#socketFailures--;
    return true;
  }
}

const addressOf = ({ address }: { readonly address: string }) => address;
const macOf = ({ linkLayerAddress }: FdbEntry) => linkLayerAddress;

const addressKey = ({ ifindex, address, prefixLength }: InterfaceAddress) =>
  `${ifindex} ${address}/${prefixLength}`;
const neighbourKey = ({ ifindex, address }: Neighbour) => `${ifindex} ${address}`;
const fdbKey = ({ ifindex, linkLayerAddress }: FdbEntry) => `${ifindex} ${linkLayerAddress}`;

function forget<T extends { readonly ifindex: number }>(
  table: Map<string, T>,
  ifindex: number,
  which: (entry: T) => boolean = () => true,
): void {
  for (const [key, entry] of table) if (entry.ifindex === ifindex && which(entry)) table.delete(key);
}

/** Answers come on a later turn, as the real ones do. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
