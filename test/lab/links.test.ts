/** IPIP devices, where the kernel has them. */
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext, type TestFn } from 'ava';
import { Rtnetlink } from '../../linux/netlink/rtnetlink.js';
import { ipip, linkContract } from '../linux/link-contract.js';
import { ifindex, makeNamespace } from '../support/network-namespace.js';
import { skip } from '../support/skip.js';

function setUp(t: ExecutionContext) {
  const namespace = makeNamespace(t);
  const kernel = new Rtnetlink({ networkNamespace: namespace.path });
  t.teardown(() => kernel.close());
  return { namespace, kernel };
}

/** Undefined if the kernel has IPIP, or what `ip` says. */
function whyNot(t: ExecutionContext): string | undefined {
  const { name } = makeNamespace(t);
  const command = `-n ${name} link add probe type ipip local 192.0.2.1`;
  const { status, stderr } = spawnSync('ip', command.split(' '), { encoding: 'utf8' });
  return status === 0 ? undefined : `this kernel makes no IPIP device: ${stderr.trim()}`;
}

/** As `test`, but skipped where there is no IPIP. */
function testWithIpip(title: string, run: (t: ExecutionContext) => unknown): void {
  test(title, async t => {
    const reason = whyNot(t);
    if (reason !== undefined) return skip(t, reason);
    await run(t);
  });
}

linkContract(testWithIpip as TestFn, 'IPIP in the kernel', 'ipip', t => setUp(t).kernel);

/** What `ip -details -json link show` says of an IPIP device. */
interface ShownLink {
  readonly ifname: string;
  readonly ifalias?: string;
  readonly mtu: number;
  readonly linkinfo: {
    readonly info_kind: string;
    readonly info_data: {
      readonly proto?: string;
      readonly remote: string;
      readonly local: string;
      readonly ttl: number;
      readonly pmtudisc: boolean;
    };
  };
}

testWithIpip('an IPIP device is what `ip` says it is, as it is made and as it is changed', async t => {
  const { namespace, kernel } = setUp(t);
  const shown = (name: string) =>
    (JSON.parse(namespace.ip(`-details -json link show dev ${name}`)) as [ShownLink])[0];
  const made = { name: 'mgy.ipip', alias: 'Margay: 10.0.0.0/16 ♥', mtu: 1480, tunnel: ipip };
  t.is((await kernel.createLinks([made])).size, 0);
  const { ifname, ifalias, mtu, linkinfo } = shown('mgy.ipip');
  t.deepEqual([ifname, ifalias, mtu, linkinfo.info_kind], [made.name, made.alias, 1480, 'ipip']);
  t.like(linkinfo.info_data, { remote: 'any', local: '192.0.2.1', ttl: 0, pmtudisc: true });
  const tunnel = { ...ipip, local: '192.0.2.2' as typeof ipip.local, pathMtuDiscovery: false };
  const change = { ifindex: ifindex(namespace, 'mgy.ipip'), name: 'mgy-other', mtu: 1400, alias: '', tunnel };
  t.is((await kernel.changeLinks([change])).size, 0);
  const after = shown('mgy-other');
  t.deepEqual([after.mtu, after.ifalias], [1400, undefined]);
  t.like(after.linkinfo.info_data, { remote: 'any', local: '192.0.2.2', ttl: 0, pmtudisc: false });
});

testWithIpip('the first IPIP device brings tunl0, which stays what it is', async t => {
  const { kernel } = setUp(t);
  t.is((await kernel.createLinks([{ name: 'mgy.ipip', alias: '', mtu: 1480, tunnel: ipip }])).size, 0);
  const tunl0 = (await kernel.links()).find(({ name }) => name === 'tunl0');
  if (tunl0 === undefined) return skip(t, 'net.core.fb_tunnels_only_for_init_net is on');
  t.like(tunl0, { kind: 'ipip', up: false, linkLayerAddress: '' });
  t.deepEqual(tunl0.tunnel, { ...ipip, local: undefined, pathMtuDiscovery: false });
  t.deepEqual([...(await kernel.changeLinks([{ ifindex: tunl0.ifindex, tunnel: ipip }])).keys()], [0]);
});
