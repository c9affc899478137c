import test from 'ava';
import type { Ipv4Address } from '../../core/ip-address.js';
import type { RemoteHost } from '../../ipip/encapsulation.js';
import type { KernelFacts } from '../../ipip/kernel-facts.js';
import { TunnelDriver, type TunnelHost } from '../../ipip/tunnel-driver.js';
import type { TunnelIntent } from '../../ipip/tunnel-intent.js';
import { FakeLinkKernel } from '../support/fake-link-kernel.js';

const ip = (text: string) => text as Ipv4Address;

const NOTHING: TunnelIntent = {
  local: ip('10.0.0.1'),
  address: ip('10.244.1.0'),
  ipip: undefined,
  vxlan: undefined,
  'vxlan-v6': undefined,
  udp: undefined,
  mayRemove: true,
};
const IPIP: TunnelIntent = { ...NOTHING, ipip: { mtu: undefined } };
const VXLAN: TunnelIntent = {
  ...NOTHING,
  vxlan: { vni: 4096, port: 4789, mac: '02:00:00:00:00:01', mtu: undefined },
};

const host = (n: number): RemoteHost => ({
  name: `host-${n}`,
  address: ip(`10.0.0.${n}`),
  receives: undefined,
  vtepMac: `02:00:00:00:00:0${n}`,
});

function start(tunnelHost: Partial<TunnelHost> = {}, underlayMtu = 1500) {
  const kernel = new FakeLinkKernel();
  const eth0 = kernel.put({ name: 'eth0', mtu: underlayMtu, up: true });
  const address = { ifindex: eth0, address: ip('10.0.0.1'), prefixLength: 24, scope: 0, flags: 0 };
  const said: string[] = [];
  const newDriver = () =>
    new TunnelDriver({
      kernel,
      host: {
        looseReversePath: () => undefined,
        settleChecksums: () => undefined,
        guardOf: () => 'in-place',
        ...tunnelHost,
      },
      describeRefusal: ({ text }) => text,
      log: (level, message) => said.push(`${level} ${message}`),
    });
  const driver = newDriver();
  const facts = async (): Promise<KernelFacts> => ({
    links: await kernel.links(),
    addresses: await kernel.addresses(),
    foreignRoutes: [],
    fdb: await kernel.fdb(),
    neighbours: await kernel.neighbours(),
  });
  /** As the dataplane does; the number of steps. */
  const settle = async (intent: TunnelIntent, hosts: readonly RemoteHost[] = [], by = driver) => {
    for (let steps = 0; steps < 10; steps++) if (!(await by.step(intent, hosts, await facts()))) return steps;
    throw new Error('it never comes to rest');
  };
  return { kernel, driver, newDriver, settle, said, eth0, ready: kernel.addAddresses([address]) };
}

test('from nothing to an open tunnel, and then not a single write', async t => {
  const { kernel, driver, newDriver, settle, ready } = start();
  await ready;
  await settle(IPIP);
  t.like(kernel.link('margay.ipip'), { up: true, mtu: 1480, alias: 'margay ipip' });
  t.like(driver.states.get('ipip'), { kind: 'open', mtu: 1480 });
  const { writes } = kernel;
  t.is(await settle(IPIP), 0);
  const successor = newDriver();
  t.is(await settle(IPIP, [], successor), 0);
  t.is(successor.states.get('ipip')?.kind, 'open');
  t.is(kernel.writes, writes);
});

test('VXLAN knows the hosts there are, and the tables are mended when somebody takes the link down', async t => {
  const { kernel, settle, ready } = start();
  await ready;
  const hosts = [host(2), host(3)];
  await settle(VXLAN, hosts);
  const known = async () => [(await kernel.fdb()).length, (await kernel.neighbours()).length];
  t.deepEqual(await known(), [2, 2]);
  const { ifindex } = kernel.link('margay.vxlan')!;
  await kernel.changeLinks([{ ifindex, up: false }]);
  t.deepEqual(await known(), [2, 0]);
  await settle(VXLAN, hosts);
  t.deepEqual(await known(), [2, 2]);
  await settle(VXLAN, [host(3)]);
  t.deepEqual(await known(), [1, 1]);
  const { writes } = kernel;
  await settle(VXLAN, [host(3)]);
  t.is(kernel.writes, writes);
});

test('deleted, renamed, without its address, with another MTU: it is what it was', async t => {
  const { kernel, settle, ready } = start();
  await ready;
  await settle(IPIP);
  const drifts: Record<string, (ifindex: number) => unknown> = {
    deleted: ifindex => kernel.deleteLinks([ifindex]),
    down: ifindex => kernel.changeLinks([{ ifindex, up: false }]),
    renamed: async ifindex => {
      await kernel.changeLinks([{ ifindex, up: false }]);
      await kernel.changeLinks([{ ifindex, name: 'foo' }]);
    },
    'MTU changed': ifindex => kernel.changeLinks([{ ifindex, mtu: 1300 }]),
    'address removed': async ifindex => {
      const [own] = (await kernel.addresses()).filter(one => one.ifindex === ifindex);
      await kernel.deleteAddresses([own!]);
    },
    'address added': ifindex =>
      kernel.addAddresses([{ ifindex, address: ip('10.9.9.9'), prefixLength: 32, scope: 0, flags: 0 }]),
  };
  for (const [name, drift] of Object.entries(drifts)) {
    await drift(kernel.link('margay.ipip')!.ifindex);
    await settle(IPIP);
    const link = kernel.link('margay.ipip')!;
    t.like(link, { up: true, mtu: 1480, alias: 'margay ipip' }, name);
    const here = (await kernel.addresses()).filter(({ ifindex }) => ifindex === link.ifindex);
    t.deepEqual(
      here.map(({ address }) => address),
      [ip('10.244.1.0')],
      name,
    );
  }
  t.is(kernel.link('foo'), undefined);
});

test('a kernel without the module: said once, tried again, open as soon as it is there', async t => {
  const { kernel, driver, settle, said, ready } = start();
  await ready;
  const EOPNOTSUPP = 95;
  kernel.refuse('margay.ipip', EOPNOTSUPP, 'Unknown device type');
  await settle(IPIP);
  await settle(IPIP);
  t.is(driver.states.get('ipip')?.kind, 'unavailable');
  t.true(driver.views()[0]?.detail.includes('modprobe ipip'));
  t.is(said.filter(line => line.startsWith('warn')).length, 1);
  kernel.accept('margay.ipip');
  await settle(IPIP);
  t.is(driver.states.get('ipip')?.kind, 'open');
});

test('one that is refused does not keep the other from opening', async t => {
  const { kernel, driver, settle, ready } = start();
  await ready;
  kernel.refuse('margay.ipip', 95);
  await settle({ ...IPIP, vxlan: VXLAN.vxlan });
  t.is(driver.states.get('ipip')?.kind, 'unavailable');
  t.is(driver.states.get('vxlan')?.kind, 'open');
});

test('a host that does not have the node’s address, or filters strictly, cannot receive', async t => {
  const strict = start({ looseReversePath: () => 'rp_filter is strict' });
  await strict.ready;
  await strict.settle(IPIP);
  t.deepEqual(strict.driver.states.get('ipip'), { kind: 'unavailable', reason: 'rp_filter is strict' });
  const { kernel, driver, settle } = start();
  await settle({ ...IPIP, local: ip('10.0.0.9') });
  t.is(driver.states.get('ipip')?.kind, 'unavailable');
  t.is(kernel.calls.createLinks, 0);
});

test('no device is made before its guard, nor without one; what is there already stays', async t => {
  let guard: ReturnType<TunnelHost['guardOf']> = 'pending';
  const { kernel, driver, newDriver, settle, ready } = start({ guardOf: () => guard });
  await ready;
  await settle(IPIP);
  t.is(kernel.link('margay.ipip'), undefined);
  t.is(driver.states.size, 0);
  guard = { refused: 'ipset is not installed' };
  await settle(IPIP);
  t.is(kernel.link('margay.ipip'), undefined);
  t.deepEqual(driver.states.get('ipip'), { kind: 'unavailable', reason: 'ipset is not installed' });
  guard = 'in-place';
  await settle(IPIP);
  t.is(driver.states.get('ipip')?.kind, 'open');
  guard = 'pending';
  const successor = newDriver();
  await settle(IPIP, [], successor);
  t.is(successor.states.get('ipip')?.kind, 'open');
});

test('the underlay’s MTU is followed', async t => {
  const { kernel, driver, settle, eth0, ready } = start();
  await ready;
  await settle(IPIP);
  await kernel.changeLinks([{ ifindex: eth0, mtu: 9000 }]);
  await settle(IPIP);
  t.is(kernel.link('margay.ipip')?.mtu, 8980);
  t.like(driver.states.get('ipip'), { mtu: 8980 });
});

test('what nobody wants goes when it may, and what others made stays', async t => {
  const { kernel, driver, settle, ready } = start();
  await ready;
  kernel.put({ name: 'tunl0', kind: 'ipip' });
  await settle(IPIP);
  await settle({ ...NOTHING, mayRemove: false });
  t.truthy(kernel.link('margay.ipip'));
  t.is(driver.states.size, 0);
  await settle(NOTHING);
  t.is(kernel.link('margay.ipip'), undefined);
  t.truthy(kernel.link('tunl0'));
});

test('a socket that fails is told, and nothing is believed', async t => {
  const { kernel, driver, settle, ready } = start();
  await ready;
  kernel.failNext();
  await t.throwsAsync(settle(IPIP));
  t.is(driver.states.size, 0);
  await settle(IPIP);
  t.is(driver.states.get('ipip')?.kind, 'open');
});
