import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../../bgp/testing/fake-clock.js';
import type { Prefix } from '../../core/prefix.js';
import type { ForwardFirewall } from '../../ipip/forward-firewall.js';
import { type ForwardChain, parseForwardChain } from '../../ipip/forward-policy.js';
import { Forwarding, undoForwarding } from '../../ipip/forwarding.js';
import type { Variant } from '../../ipip/packet-filter.js';

const IP_FORWARD = 'net/ipv4/ip_forward';
const IPV6_FORWARDING = 'net/ipv6/conf/all/forwarding';
const pools = ['10.244.0.0/16'] as Prefix[];

class FakeFirewall implements ForwardFirewall {
  readonly chains = new Map<Variant, ForwardChain>();
  readonly restored: string[] = [];
  drops: readonly string[] = [];
  failure: string | undefined;

  async read(variant: Variant) {
    if (this.failure !== undefined) throw new Error(this.failure);
    return this.chains.get(variant);
  }

  async restore(variant: Variant, input: string) {
    this.restored.push(`${variant} ${input.split('\n').length}`);
    const chain = this.chains.get(variant)!;
    const removed = input.includes('-X ');
    const ownRules = removed ? undefined : input.split('\n').filter(line => line.startsWith('-A '));
    this.chains.set(variant, { ...chain, jumps: removed ? 0 : 1, ownRules });
  }

  async nftablesDrops() {
    return this.drops;
  }
}

function setUp(t: ExecutionContext, acceptPools = false) {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-forwarding-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const values = new Map([
    [IP_FORWARD, '0'],
    [IPV6_FORWARDING, '0'],
  ]);
  let writable = true;
  const sysctls = {
    read: (name: string) => values.get(name)!,
    write: (name: string, value: string) => {
      if (!writable) throw new Error('EROFS');
      values.set(name, value);
    },
  };
  const firewall = new FakeFirewall();
  const clock = new FakeClock();
  const stateFile = join(folder, 'state', 'changed-sysctls.json');
  const options = { stateFile, acceptPools, clock, firewall, sysctls, log: () => {} };
  const settle = async () => {
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve));
  };
  const lock = () => {
    writable = false;
  };
  return { options, stateFile, values, firewall, clock, settle, lock };
}

test('ip_forward is switched on, kept on, and set back by cleanup to what it was before the first start', async t => {
  const { options, values, firewall, clock, stateFile } = setUp(t);
  const first = new Forwarding(options);
  first.start();
  t.is(values.get(IP_FORWARD), '1');
  values.set(IP_FORWARD, '0');
  clock.advance(1000);
  t.is(values.get(IP_FORWARD), '1');
  first.close();
  const second = new Forwarding(options);
  second.start();
  second.close();
  const { done, failed } = await undoForwarding({ ...options, firewall });
  t.is(values.get(IP_FORWARD), '0');
  t.is(done.length, 1);
  t.deepEqual(failed, []);
  t.false(existsSync(stateFile));
});

test('a host that forwards already is not touched, by cleanup neither', async t => {
  const { options, values, stateFile } = setUp(t);
  values.set(IP_FORWARD, '1');
  new Forwarding(options).start();
  t.false(existsSync(stateFile));
  t.deepEqual((await undoForwarding(options)).done, []);
  t.is(values.get(IP_FORWARD), '1');
});

test('a value that cannot be written is a problem that is named', t => {
  const { options, lock } = setUp(t);
  lock();
  const forwarding = new Forwarding(options);
  forwarding.start();
  t.like(forwarding.problems()[0], { severity: 'error', object: 'sysctl net/ipv4/ip_forward' });
});

test('a policy of DROP is named with its variant; told to, rules for the pools are written once', async t => {
  const { options, firewall, clock, settle } = setUp(t);
  firewall.chains.set('iptables-nft', parseForwardChain('-P FORWARD DROP\n', undefined));
  firewall.chains.set('iptables-legacy', parseForwardChain('-P FORWARD ACCEPT\n', undefined));
  firewall.drops = ['inet firewalld filter_FORWARD'];
  const watching = new Forwarding(options);
  watching.setPools(pools);
  watching.start();
  await settle();
  t.deepEqual(
    watching.problems().map(({ object }) => object),
    ['iptables-nft FORWARD', 'nftables inet firewalld filter_FORWARD'],
  );
  t.deepEqual(firewall.restored, []);
  watching.close();
  const accepting = new Forwarding({ ...options, acceptPools: true });
  accepting.start();
  accepting.setPools(pools);
  await settle();
  t.is(firewall.restored.length, 1);
  t.deepEqual(
    accepting.problems().map(({ object }) => object),
    ['nftables inet firewalld filter_FORWARD'],
  );
  clock.advance(60_000);
  await settle();
  t.is(firewall.restored.length, 1, 'what is right is not written again');
  accepting.setPools(['10.244.0.0/16', '10.96.0.0/12'] as Prefix[]);
  await settle();
  t.is(firewall.restored.length, 2);
  accepting.close();
  t.deepEqual((await undoForwarding(options)).failed, []);
  t.is(firewall.chains.get('iptables-nft')!.jumps, 0);
});

test('a packet filter that cannot be read is named and tried again', async t => {
  const { options, firewall, clock, settle } = setUp(t);
  firewall.failure = 'iptables-nft: Permission denied';
  const forwarding = new Forwarding(options);
  forwarding.start();
  await settle();
  t.is(forwarding.problems().length, 2);
  firewall.failure = undefined;
  clock.advance(30_000);
  await settle();
  t.deepEqual(forwarding.problems(), []);
});

test('IPv6 is forwarded where there are IPv6 pools, and nowhere else', async t => {
  const { options, values, firewall, clock, stateFile } = setUp(t);
  const forwarding = new Forwarding(options);
  forwarding.start();
  forwarding.setPools(pools);
  clock.advance(1000);
  t.is(values.get(IPV6_FORWARDING), '0');
  forwarding.setPools([...pools, 'fd00:10::/48' as Prefix]);
  t.is(values.get(IPV6_FORWARDING), '1');
  values.set(IPV6_FORWARDING, '0');
  clock.advance(1000);
  t.is(values.get(IPV6_FORWARDING), '1');
  forwarding.close();
  await undoForwarding({ stateFile, firewall, sysctls: options.sysctls });
  t.is(values.get(IPV6_FORWARDING), '0');
});

test('a host without IPv6 that has IPv6 pools says so, and forwards IPv4', t => {
  const { options, values } = setUp(t);
  const sysctls = {
    ...options.sysctls,
    read: (name: string) => {
      if (name === IPV6_FORWARDING) throw new Error('ENOENT');
      return values.get(name)!;
    },
  };
  const forwarding = new Forwarding({ ...options, sysctls });
  forwarding.start();
  forwarding.setPools(['fd00:10::/48' as Prefix]);
  t.deepEqual(
    forwarding.problems().map(({ object }) => object),
    [`sysctl ${IPV6_FORWARDING}`],
  );
  t.is(values.get(IP_FORWARD), '1');
  forwarding.close();
});

test('an interface that hears routers goes on hearing them before the host forwards; one that was told not to does not', async t => {
  const { options, values, stateFile, firewall } = setUp(t);
  const acceptRa = (name: string) => `net/ipv6/conf/${name}/accept_ra`;
  for (const [name, value] of Object.entries({ eth0: '1', eth1: '0', eth2: '2' }))
    values.set(acceptRa(name), value);
  const written: string[] = [];
  const sysctls = {
    ...options.sysctls,
    read: (name: string) => {
      if (!values.has(name)) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      return values.get(name)!;
    },
    write: (name: string, value: string) => {
      written.push(`${name} ${value}`);
      values.set(name, value);
    },
  };
  let uplinks = ['eth0', 'eth1', 'eth2', 'gone0'];
  const forwarding = new Forwarding({ ...options, sysctls, uplinks: () => uplinks });
  forwarding.start();
  t.is(values.get(acceptRa('eth0')), '1', 'no IPv6 pool, nothing of IPv6 is touched');
  forwarding.setPools(['fd00:10::/48' as Prefix]);
  t.deepEqual(written.slice(-2), [`${acceptRa('eth0')} 2`, `${IPV6_FORWARDING} 1`]);
  t.is(values.get(acceptRa('eth1')), '0');
  t.deepEqual(forwarding.problems(), []);
  values.set(acceptRa('eth3'), '1');
  uplinks = ['eth3'];
  forwarding.review();
  t.is(values.get(acceptRa('eth3')), '2');
  values.delete(acceptRa('eth3'));
  forwarding.review();
  t.deepEqual(forwarding.problems(), [], 'one that is gone is no problem');
  forwarding.close();
  await undoForwarding({ stateFile, firewall, sysctls });
  t.is(values.get(acceptRa('eth0')), '1');
  t.is(values.get(acceptRa('eth2')), '2');
});

test('ip6tables is looked at where there are IPv6 pools, and opened for those alone', async t => {
  const { options, firewall, settle } = setUp(t);
  const drops = parseForwardChain('-P FORWARD DROP\n', undefined);
  firewall.chains.set('iptables-nft', drops);
  firewall.chains.set('ip6tables-nft', drops);
  const forwarding = new Forwarding({ ...options, acceptPools: true });
  forwarding.start();
  forwarding.setPools(pools);
  await settle();
  t.is(firewall.chains.get('ip6tables-nft')!.jumps, 0);
  forwarding.setPools([...pools, 'fd00:10::/48' as Prefix]);
  await settle();
  t.deepEqual(firewall.chains.get('ip6tables-nft')!.ownRules, [
    '-A margay-forward -s fd00:10::/48 -j ACCEPT',
    '-A margay-forward -d fd00:10::/48 -j ACCEPT',
  ]);
  t.false(firewall.chains.get('iptables-nft')!.ownRules!.some(rule => rule.includes('fd00')));
  forwarding.close();
  t.deepEqual((await undoForwarding(options)).failed, []);
  t.is(firewall.chains.get('ip6tables-nft')!.jumps, 0);
});
