/** What a kernel does to tunnel devices; run against the real one and the one in memory that stands for it. */
import type { ExecutionContext, TestFn } from 'ava';
import type { IpAddress, Ipv4Address } from '../../core/ip-address.js';
import { type FdbEntry, permanentFdbState } from '../../linux/netlink/bridge-fdb.js';
import { NeighbourState } from '../../linux/netlink/constants.js';
import type { Link, NewLink, TunnelParameters } from '../../linux/netlink/link.js';
import type { Neighbour } from '../../linux/netlink/neighbour.js';
import type { Rtnetlink } from '../../linux/netlink/rtnetlink.js';
import { changesInPlace } from '../../linux/netlink/tunnel-change.js';
import { Errno } from '../support/fake-link-device.js';

/** What drivers of tunnel devices ask of the kernel. */
export type LinkKernel = Pick<
  Rtnetlink,
  | 'links'
  | 'createLinks'
  | 'changeLinks'
  | 'deleteLinks'
  | 'addresses'
  | 'addAddresses'
  | 'deleteAddresses'
  | 'neighbours'
  | 'addNeighbours'
  | 'deleteNeighbours'
  | 'fdb'
  | 'addFdbEntries'
  | 'deleteFdbEntries'
>;

export type MakeKernel = (t: ExecutionContext) => LinkKernel;

const ip = (text: string) => text as Ipv4Address;
const MAC = '66:11:22:33:44:55';
const NO_SUCH = 0x7ffffff0;

export const vxlan: TunnelParameters & { kind: 'vxlan' } = {
  kind: 'vxlan',
  vni: 4096,
  port: 4789,
  local: ip('192.0.2.1'),
  learning: false,
  parentIfindex: 0,
};
export const ipip: TunnelParameters & { kind: 'ipip' } = {
  kind: 'ipip',
  local: ip('192.0.2.1'),
  remote: undefined,
  pathMtuDiscovery: true,
  ttl: 0,
};

const LOOPBACK = 1;

/** Of each kind two that can be side by side, one in another place, and what the first never becomes. */
const tunnels = {
  vxlan: {
    all: [
      vxlan,
      { ...vxlan, vni: 4097 },
      { ...vxlan, port: 8472 },
      { ...vxlan, local: undefined },
      { ...vxlan, local: ip('192.0.2.2'), learning: true },
      { ...vxlan, parentIfindex: LOOPBACK },
      ipip,
    ],
    first: vxlan,
    second: { ...vxlan, vni: 4097 },
    moved: { ...vxlan, local: ip('192.0.2.2'), learning: true },
    unlike: [{ ...vxlan, vni: 5 }, Errno.EOPNOTSUPP],
    other: ipip,
  },
  ipip: {
    all: [
      ipip,
      { ...ipip, local: ip('192.0.2.2') },
      { ...ipip, pathMtuDiscovery: false },
      { ...ipip, ttl: 64 },
      { ...ipip, remote: ip('198.51.100.1') },
      { ...ipip, local: undefined, remote: ip('198.51.100.2'), ttl: 255 },
      vxlan,
    ],
    first: ipip,
    second: { ...ipip, local: ip('192.0.2.9') },
    moved: { ...ipip, local: ip('192.0.2.2'), pathMtuDiscovery: false, ttl: 0 },
    unlike: [{ ...ipip, remote: ip('198.51.100.1') }, Errno.EINVAL],
    other: vxlan,
  },
} as const;

export function linkContract(test: TestFn, name: string, kind: 'vxlan' | 'ipip', make: MakeKernel): void {
  const { all, first, second, moved, unlike, other } = tunnels[kind];
  const linkLayerAddress = kind === 'vxlan' ? MAC : '';
  const newLink = (more: Partial<NewLink> = {}): NewLink => ({
    name: 'mgy-tunnel',
    alias: 'a note',
    mtu: 1400,
    tunnel: first,
    ...(kind === 'vxlan' ? { linkLayerAddress } : {}),
    ...more,
  });
  const setUp = async (t: ExecutionContext) => {
    const kernel = make(t);
    t.deepEqual([...(await kernel.createLinks([newLink()]))], []);
    return { kernel, link: await linkNamed(kernel, 'mgy-tunnel') };
  };

  test(`${name}: a device is made with all that is said of it, and begins down`, async t => {
    const { link } = await setUp(t);
    const { alias, mtu } = newLink();
    t.like(link, { alias, mtu, linkLayerAddress, kind, up: false, loopback: false, masterIfindex: 0 });
    t.deepEqual(link.tunnel, first);
  });

  test(`${name}: what is there is not touched by what is made; refusals come by place`, async t => {
    const { kernel, link } = await setUp(t);
    const refusals = await kernel.createLinks([
      newLink({ alias: 'same name', tunnel: second }),
      newLink({ name: 'mgy-new', alias: '', tunnel: second }),
      newLink({ name: 'mgy-same', alias: 'same tunnel' }),
    ]);
    t.deepEqual(codes(refusals), [
      [0, Errno.EEXIST],
      [2, Errno.EEXIST],
    ]);
    t.deepEqual(await linkNamed(kernel, 'mgy-tunnel'), link);
    t.like(await linkNamed(kernel, 'mgy-new'), { alias: '', mtu: 1400 });
    t.is((await kernel.links()).filter(one => one.kind === kind && one.name.startsWith('mgy-')).length, 2);
  });

  test(`${name}: a device is changed in place, one thing at a time or all at once`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    const mac = kind === 'vxlan' ? { linkLayerAddress: '66:11:22:33:44:66' } : {};
    const changes = [
      { mtu: 1380 },
      { name: 'mgy-renamed' },
      { alias: 'another note' },
      { alias: '' },
      mac,
      { tunnel: moved },
    ] as const;
    let expected = link;
    for (const change of changes) {
      t.deepEqual([...(await kernel.changeLinks([{ ifindex, ...change }]))], []);
      expected = { ...expected, ...change };
      t.deepEqual(await linkAt(kernel, ifindex), expected);
    }
    const all = { mtu: 1390, name: 'mgy-tunnel', alias: 'a note', tunnel: first };
    const macBack = kind === 'vxlan' ? { linkLayerAddress } : {};
    t.deepEqual([...(await kernel.changeLinks([{ ifindex, ...all, ...macBack, up: true }]))], []);
    t.deepEqual(await linkAt(kernel, ifindex), { ...link, mtu: 1390, up: true, carrier: true });
    t.deepEqual([...(await kernel.changeLinks([{ ifindex, up: false }]))], []);
    t.like(await linkAt(kernel, ifindex), { up: false, carrier: false });
  });

  test(`${name}: what cannot be changed is refused by place, and the others are`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    await kernel.createLinks([newLink({ name: 'mgy-second', tunnel: second })]);
    const secondIndex = (await linkNamed(kernel, 'mgy-second')).ifindex;
    const refusals = await kernel.changeLinks([
      { ifindex, tunnel: unlike[0] },
      { ifindex, tunnel: other },
      { ifindex: NO_SUCH, up: true },
      { ifindex, name: 'mgy-second' },
      { ifindex, mtu: 1300 },
      { ifindex: secondIndex, tunnel: kind === 'ipip' ? first : second },
    ]);
    const same: readonly (readonly [number, number])[] = kind === 'ipip' ? [[5, Errno.EEXIST]] : [];
    t.deepEqual(codes(refusals), [
      [0, unlike[1]],
      [1, Errno.EOPNOTSUPP],
      [2, Errno.ENODEV],
      [3, Errno.EEXIST],
      ...same,
    ]);
    t.deepEqual(await linkAt(kernel, ifindex), { ...link, mtu: 1300 });
  });

  test(`${name}: of all pairs of parameters those change in place that are said to`, async t => {
    const kernel = make(t);
    const count = { inPlace: 0, anew: 0 };
    for (const from of all.filter(one => one.kind === kind)) {
      for (const to of all) {
        t.deepEqual([...(await kernel.createLinks([newLink({ tunnel: from })]))], []);
        const { ifindex } = await linkNamed(kernel, 'mgy-tunnel');
        const { size } = await kernel.changeLinks([{ ifindex, tunnel: to }]);
        const { tunnel } = (await linkAt(kernel, ifindex))!;
        const pair = `${JSON.stringify(from)} to ${JSON.stringify(to)}`;
        if (changesInPlace(from, to)) {
          count.inPlace++;
          t.is(size, 0, pair);
          t.deepEqual(tunnel, to, pair);
        } else {
          count.anew++;
          t.notDeepEqual(tunnel, to, pair);
        }
        t.is((await kernel.deleteLinks([ifindex])).size, 0);
      }
    }
    t.true(count.inPlace > all.length && count.anew > all.length);
  });

  test(`${name}: addresses are added once and deleted once`, async t => {
    const { kernel, link } = await setUp(t);
    const own = (ifindex: number, address: string) => ({
      ifindex,
      address: ip(address),
      prefixLength: 32,
      scope: 0,
      flags: 0,
    });
    const { ifindex } = link;
    const both = [own(ifindex, '10.9.0.1'), own(ifindex, '10.9.0.2')];
    t.deepEqual(codes(await kernel.addAddresses([...both, both[0]!, own(NO_SUCH, '10.9.0.1')])), [
      [2, Errno.EEXIST],
      [3, Errno.ENODEV],
    ]);
    const found = async () => (await kernel.addresses()).filter(one => one.ifindex === ifindex);
    t.deepEqual(
      await found(),
      both.map(one => ({ ...one, flags: 0x80 })),
    );
    const gone = await kernel.deleteAddresses([both[0]!, both[0]!, own(NO_SUCH, '10.9.0.1')]);
    t.deepEqual(codes(gone), [
      [1, Errno.EADDRNOTAVAIL],
      [2, Errno.ENODEV],
    ]);
    t.deepEqual(
      (await found()).map(({ address }) => address),
      [ip('10.9.0.2')],
    );
  });

  test(`${name}: a device is deleted with what it has`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    await kernel.changeLinks([{ ifindex, up: true }]);
    await kernel.addAddresses([{ ifindex, address: ip('10.9.0.1'), prefixLength: 32, scope: 0, flags: 0 }]);
    if (kind === 'vxlan') {
      await kernel.addNeighbours([neighbour(ifindex, '10.9.0.2', MAC)]);
      await kernel.addFdbEntries([fdbEntry(ifindex, MAC, '192.0.2.7')]);
    }
    t.deepEqual(codes(await kernel.deleteLinks([ifindex, ifindex, LOOPBACK])), [
      [1, Errno.ENODEV],
      [2, Errno.EOPNOTSUPP],
    ]);
    t.is(await linkAt(kernel, ifindex), undefined);
    const left = [...(await kernel.addresses()), ...(await kernel.neighbours()), ...(await kernel.fdb())];
    t.deepEqual(
      left.filter(one => one.ifindex === ifindex),
      [],
    );
  });

  if (kind === 'vxlan') neighbourContract(test, name, setUp);
  else timeToLiveContract(test, name, setUp);
}

type SetUp = (t: ExecutionContext) => Promise<{ kernel: LinkKernel; link: Link }>;

function neighbourContract(test: TestFn, name: string, setUp: SetUp): void {
  const macs = ['66:00:00:00:00:01', '66:00:00:00:00:02', '66:00:00:00:00:03'] as const;
  const neighboursOf = async (kernel: LinkKernel, ifindex: number) =>
    (await kernel.neighbours())
      .filter(one => one.ifindex === ifindex && one.state === NeighbourState.permanent)
      .sort((a, b) => (a.address < b.address ? -1 : 1));
  const fdbOf = async (kernel: LinkKernel, ifindex: number) =>
    (await kernel.fdb())
      .filter(one => one.ifindex === ifindex)
      .sort((a, b) => (a.linkLayerAddress < b.linkLayerAddress ? -1 : 1));

  test(`${name}: neighbours are added, replaced and deleted`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    await kernel.changeLinks([{ ifindex, up: true }]);
    const [a, b] = [neighbour(ifindex, '10.9.0.2', macs[0]), neighbour(ifindex, '10.9.0.3', macs[1])];
    const added = await kernel.addNeighbours([a, neighbour(NO_SUCH, '10.9.0.2', macs[0]), b]);
    t.deepEqual(codes(added), [[1, Errno.ENODEV]]);
    t.deepEqual(await neighboursOf(kernel, ifindex), [a, b]);
    const moved = { ...a, linkLayerAddress: macs[2] };
    t.deepEqual([...(await kernel.addNeighbours([moved]))], []);
    t.deepEqual(await neighboursOf(kernel, ifindex), [moved, b]);
    t.deepEqual(codes(await kernel.deleteNeighbours([moved, neighbour(ifindex, '10.9.0.9', macs[0])])), [
      [1, Errno.ENOENT],
    ]);
    t.deepEqual(await neighboursOf(kernel, ifindex), [b]);
  });

  test(`${name}: entries of the forwarding database are added, replaced and deleted`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    const [a, b] = [fdbEntry(ifindex, macs[0], '192.0.2.7'), fdbEntry(ifindex, macs[1], '192.0.2.8')];
    const refused = await kernel.addFdbEntries([
      a,
      fdbEntry(NO_SUCH, macs[0], '192.0.2.7'),
      b,
      fdbEntry(ifindex, '00:00:00:00:00:00', '192.0.2.7'),
      fdbEntry(ifindex, '01:00:00:00:00:01', '192.0.2.7'),
      fdbEntry(1, macs[0], '192.0.2.7'),
    ]);
    t.deepEqual(codes(refused), [
      [1, Errno.ENODEV],
      [3, Errno.EOPNOTSUPP],
      [4, Errno.EOPNOTSUPP],
      [5, Errno.EINVAL],
    ]);
    t.deepEqual(await fdbOf(kernel, ifindex), [a, b]);
    const moved = { ...a, destination: ip('192.0.2.9') };
    t.deepEqual([...(await kernel.addFdbEntries([moved]))], []);
    t.deepEqual(await fdbOf(kernel, ifindex), [moved, b], 'it has one destination, the new one');
    const gone = await kernel.deleteFdbEntries([moved, fdbEntry(ifindex, macs[2], '192.0.2.7')]);
    t.deepEqual(codes(gone), [[1, Errno.ENOENT]]);
    t.deepEqual([...(await kernel.deleteFdbEntries([{ ...b, destination: ip('192.0.2.99') }]))], []);
    t.deepEqual(await fdbOf(kernel, ifindex), [b], 'one for another destination is left in silence');
  });

  test(`${name}: another MAC address and going down cost all neighbours, not the forwarding database`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    await kernel.changeLinks([{ ifindex, up: true }]);
    const kept = fdbEntry(ifindex, macs[0], '192.0.2.7');
    const transient = { ...fdbEntry(ifindex, macs[1], '192.0.2.7'), state: NeighbourState.reachable };
    await kernel.addFdbEntries([kept, transient]);
    for (const change of [{ linkLayerAddress: '66:11:22:33:44:66' }, { up: false }]) {
      await kernel.addNeighbours([neighbour(ifindex, '10.9.0.2', macs[0])]);
      t.is((await neighboursOf(kernel, ifindex)).length, 1);
      await kernel.changeLinks([{ ifindex, ...change }]);
      t.deepEqual(await neighboursOf(kernel, ifindex), []);
      t.deepEqual(await fdbOf(kernel, ifindex), 'up' in change ? [kept] : [kept, transient]);
    }
  });
}

function timeToLiveContract(test: TestFn, name: string, setUp: SetUp): void {
  test(`${name}: a TTL of its own switches path MTU discovery on`, async t => {
    const { kernel, link } = await setUp(t);
    const { ifindex } = link;
    for (const [ttl, pathMtuDiscovery] of [
      [0, false],
      [64, true],
    ] as const) {
      t.is(
        (await kernel.changeLinks([{ ifindex, tunnel: { ...ipip, ttl, pathMtuDiscovery: false } }])).size,
        0,
      );
      t.deepEqual((await linkAt(kernel, ifindex))!.tunnel, { ...ipip, ttl, pathMtuDiscovery });
    }
  });
}

function neighbour(ifindex: number, address: string, linkLayerAddress: string): Neighbour {
  return { ifindex, address: ip(address), linkLayerAddress, state: NeighbourState.permanent };
}

function fdbEntry(ifindex: number, linkLayerAddress: string, destination: string): FdbEntry {
  return { ifindex, linkLayerAddress, destination: destination as IpAddress, state: permanentFdbState };
}

function codes(refusals: ReadonlyMap<number, { readonly errno: number }>): readonly (readonly number[])[] {
  return [...refusals].map(([place, { errno }]) => [place, errno]).sort((a, b) => a[0]! - b[0]!);
}

async function linkAt(kernel: LinkKernel, ifindex: number): Promise<Link | undefined> {
  return (await kernel.links()).find(link => link.ifindex === ifindex);
}

async function linkNamed(kernel: LinkKernel, name: string): Promise<Link> {
  return (await kernel.links()).find(link => link.name === name)!;
}
