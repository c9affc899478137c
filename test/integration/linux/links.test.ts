import test from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { permanentFdbState } from '../../../linux/netlink/bridge-fdb.js';
import { NetlinkConnection } from '../../../linux/netlink/connection.js';
import { Flag, MessageType } from '../../../linux/netlink/constants.js';
import { openKoffiTransport } from '../../../linux/netlink/koffi-transport.js';
import type { NewLink } from '../../../linux/netlink/link.js';
import { creationRequests } from '../../../linux/netlink/link-requests.js';
import { Rtnetlink } from '../../../linux/netlink/rtnetlink.js';
import { linkContract, vxlan } from '../../linux/link-contract.js';
import { ifindex, makeNamespace } from '../../support/network-namespace.js';

function setUp(t: Parameters<typeof makeNamespace>[0]) {
  const namespace = makeNamespace(t);
  const kernel = new Rtnetlink({ networkNamespace: namespace.path });
  t.teardown(() => kernel.close());
  return { namespace, kernel };
}

linkContract(test, 'VXLAN in the kernel', 'vxlan', t => setUp(t).kernel);

/** What `ip -details -json link show` says of a VXLAN device. */
interface ShownLink {
  readonly ifname: string;
  readonly ifalias?: string;
  readonly mtu: number;
  readonly address: string;
  readonly linkinfo: {
    readonly info_kind: string;
    readonly info_data: {
      readonly id: number;
      readonly port: number;
      readonly local?: string;
      readonly learning: boolean;
      readonly link?: string;
    };
  };
}

const newLink: NewLink = {
  name: 'mgy.vxlan',
  alias: 'Margay: 10.0.0.0/16 ♥',
  mtu: 1450,
  linkLayerAddress: '66:11:22:33:44:55',
  tunnel: vxlan,
};

test('a VXLAN device is what `ip` says it is, as it is made and as it is changed', async t => {
  const { namespace, kernel } = setUp(t);
  const shown = (name: string) =>
    (JSON.parse(namespace.ip(`-details -json link show dev ${name}`)) as [ShownLink])[0];
  t.is((await kernel.createLinks([newLink])).size, 0);
  const made = shown('mgy.vxlan');
  const { ifname, ifalias, mtu, address, linkinfo } = made;
  t.deepEqual(
    [ifname, ifalias, mtu, address, linkinfo.info_kind],
    [newLink.name, newLink.alias, 1450, newLink.linkLayerAddress, 'vxlan'],
  );
  t.like(linkinfo.info_data, { id: 4096, port: 4789, local: '192.0.2.1', learning: false });
  t.is(linkinfo.info_data.link, undefined);
  const tunnel = { ...vxlan, local: '192.0.2.2' as Ipv4Address, parentIfindex: ifindex(namespace, 'lo') };
  const change = { ifindex: ifindex(namespace, 'mgy.vxlan'), tunnel };
  const more = { name: 'mgy-other', mtu: 1400, alias: '', linkLayerAddress: '66:11:22:33:44:66' };
  t.is((await kernel.changeLinks([{ ...change, ...more }])).size, 0);
  const after = shown('mgy-other');
  t.deepEqual([after.mtu, after.address, after.ifalias], [1400, '66:11:22:33:44:66', undefined]);
  t.like(after.linkinfo.info_data, { id: 4096, port: 4789, local: '192.0.2.2', learning: false, link: 'lo' });
  const any = { ...change, tunnel: { ...vxlan, local: undefined } };
  t.is((await kernel.changeLinks([any])).size, 0);
  t.is(shown('mgy-other').linkinfo.info_data.local, undefined);
});

test('a forwarding database is what `bridge` says it is, and what `bridge` adds is read', async t => {
  const { namespace, kernel } = setUp(t);
  await kernel.createLinks([newLink]);
  const index = ifindex(namespace, 'mgy.vxlan');
  const entry = {
    ifindex: index,
    linkLayerAddress: '66:00:00:00:00:01',
    destination: '192.0.2.7' as Ipv4Address,
    state: permanentFdbState,
  };
  await kernel.addFdbEntries([entry]);
  const shown = () => {
    const said = namespace.run('bridge', '-json', 'fdb', 'show', 'dev', 'mgy.vxlan');
    return (JSON.parse(said) as { mac: string; dst: string; flags: string[]; state: string }[]).map(
      ({ mac, dst, flags, state }) => `${mac} ${dst} ${flags} ${state}`,
    );
  };
  t.deepEqual(shown(), ['66:00:00:00:00:01 192.0.2.7 self permanent']);
  const ours = await kernel.fdb();
  namespace.run('bridge', 'fdb', 'del', entry.linkLayerAddress, 'dev', 'mgy.vxlan', 'dst', '192.0.2.7');
  namespace.run(
    ...(['bridge', 'fdb', 'add', entry.linkLayerAddress, 'dev', 'mgy.vxlan'] as const),
    ...(['dst', '192.0.2.7', 'self', 'permanent'] as const),
  );
  t.deepEqual(await kernel.fdb(), ours);
  t.deepEqual(ours, [entry]);
});

test('a second device for the same VNI is refused in the kernel’s words', async t => {
  const { kernel } = setUp(t);
  const refusals = await kernel.createLinks([newLink, { ...newLink, name: 'mgy-second' }]);
  t.deepEqual([...refusals.keys()], [1]);
  t.regex(refusals.get(1)!.text, /VNI/);
  const [link] = (await kernel.links()).filter(({ kind }) => kind === 'vxlan');
  const changed = await kernel.changeLinks([{ ifindex: link!.ifindex, tunnel: { ...vxlan, vni: 7 } }]);
  t.regex(changed.get(0)!.text, /VNI/);
});

test('what others have made is not touched where a link of ours cannot be', async t => {
  const { namespace, kernel } = setUp(t);
  namespace.ip('link add mgy.vxlan type vxlan id 4096 dstport 4790 local 192.0.2.8 learning');
  namespace.ip('link add mgy-veth type veth peer name mgy-peer');
  const before = namespace.ip('-details -json link show');
  const refusals = await kernel.createLinks([newLink, { ...newLink, name: 'mgy-veth' }]);
  t.deepEqual([...refusals.keys()], [0, 1]);
  t.is(namespace.ip('-details -json link show'), before);
});

test('a link that somebody else makes under the chosen index is left alone', async t => {
  const { namespace } = setUp(t);
  namespace.ip('link add index 70 name mgy-veth type veth peer name mgy-peer');
  const before = namespace.ip('-details -json link show');
  const connection = new NetlinkConnection(openKoffiTransport, namespace.path);
  t.teardown(() => connection.close());
  const requests = creationRequests([newLink], [70]);
  const refusals = await connection.batch({
    count: requests.length,
    write: (writer, i, sequence) => {
      writer.begin(MessageType.newLink, Flag.request | requests[i]!.flags, sequence);
      requests[i]!.write(writer);
      writer.end();
    },
  });
  t.deepEqual([...refusals.keys()], [0, 1], 'neither made nor noted');
  t.is(namespace.ip('-details -json link show'), before);
});

test('a thousand and a half entries are written in batches, and refusals keep their places', async t => {
  const { namespace, kernel } = setUp(t);
  await kernel.createLinks([newLink]);
  const index = ifindex(namespace, 'mgy.vxlan');
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  const entries = Array.from({ length: 1500 }, (_, i) => ({
    // Two of them are for links that are not there, one in either batch.
    ifindex: i === 700 || i === 1400 ? 0x7ffffff0 : index,
    linkLayerAddress: `66:00:00:00:${hex(i >> 8)}:${hex(i & 255)}`,
    destination: `192.0.2.${1 + (i % 250)}` as Ipv4Address,
    state: permanentFdbState,
  }));
  t.deepEqual([...(await kernel.addFdbEntries(entries)).keys()], [700, 1400]);
  t.is((await kernel.fdb()).length, 1498);
  t.deepEqual([...(await kernel.deleteFdbEntries(entries)).keys()], [700, 1400]);
  t.is((await kernel.fdb()).length, 0);
});
