import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { FakeClock } from '../../bgp/testing/fake-clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { encapsulationKey, type GuardedEncapsulation, guardRules } from '../../ipip/input-chain.js';
import { HOSTS_SET, SPARE_SET } from '../../ipip/known-hosts-set.js';
import type { Variant } from '../../ipip/packet-filter.js';
import { type GuardIntent, TunnelGuard, undoGuard } from '../../ipip/tunnel-guard.js';
import { FakeGuardKernel } from '../support/fake-guard-kernel.js';

const ipip: GuardedEncapsulation = { kind: 'ipip' };
const vxlan: GuardedEncapsulation = { kind: 'vxlan', port: 4789 };
const [a, b, c, stranger] = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '203.0.113.9'] as IpAddress[];
const nft: Variant = 'iptables-nft';
const legacy: Variant = 'iptables-legacy';
const jump = '-A INPUT -m comment --comment "margay:tunnel-guard" -j margay-input';
const LOOK_MS = 2000;

function intent(hosts: readonly (IpAddress | undefined)[], ...receives: GuardedEncapsulation[]): GuardIntent {
  return {
    knownHosts: hosts as IpAddress[],
    externalNodes: [],
    receives,
    workloadInterfacePrefixes: ['cali'],
  };
}

function setUp(t: ExecutionContext, kernel = new FakeGuardKernel()) {
  const clock = new FakeClock();
  const logged: string[] = [];
  const log = (level: string, message: string, detail: string) =>
    logged.push(`${level} ${message}: ${detail}`);
  let changes = 0;
  const start = () => {
    const guard = new TunnelGuard({ clock, firewall: kernel, family: 'ipv4', log, changed: () => changes++ });
    t.teardown(() => guard.close());
    return guard;
  };
  const settle = async () => {
    for (let i = 0; i < 60; i++) await new Promise(resolve => setImmediate(resolve));
  };
  /** Time for one more look, and for what follows from it. */
  const look = async () => {
    // One that is under way would take that time, and be followed by a longer pause.
    await settle();
    clock.advance(LOOK_MS);
    await settle();
  };
  return { kernel, clock, logged, start, settle, look, changes: () => changes };
}

function guarded(guard: TunnelGuard): readonly string[] {
  return guard.state().guarded.map(encapsulationKey).sort();
}

test('from empty: hosts, then rules; the second time nothing is written, by another process neither', async t => {
  const { kernel, start, settle, look } = setUp(t);
  const first = start();
  t.deepEqual(first.state(), { guarded: [], knownHosts: new Set() });
  first.setIntent({ ...intent([a, b], ipip, vxlan), externalNodes: ['192.0.2.0/24' as Prefix] });
  t.true(await first.programmed());
  t.deepEqual(kernel.members(HOSTS_SET), ['10.0.0.1', '10.0.0.2', '192.0.2.0/24']);
  t.deepEqual(guarded(first), ['ipip', 'vxlan/4789']);
  t.deepEqual(first.state().knownHosts, new Set([a!, b!]));
  t.is(kernel.calls.restoreSets, 1);
  t.is(kernel.calls.restoreRules, 1);
  for (const encapsulation of [ipip, vxlan]) {
    t.is(kernel.verdict(a!, encapsulation), 'accepted');
    t.is(kernel.verdict('192.0.2.77' as IpAddress, encapsulation), 'accepted');
    t.is(kernel.verdict(stranger!, encapsulation), 'dropped');
  }
  await look();
  t.is(kernel.writes, 2);
  first.close();
  const second = start();
  second.setIntent({ ...intent([b, a], vxlan, ipip), externalNodes: ['192.0.2.0/24' as Prefix] });
  t.true(await second.programmed());
  await settle();
  t.is(kernel.writes, 2);
  t.deepEqual(guarded(second), ['ipip', 'vxlan/4789']);
  const reads = kernel.calls.readSet;
  second.setIntent({ ...intent([b, a], vxlan, ipip), externalNodes: ['192.0.2.0/24' as Prefix] });
  await settle();
  t.is(kernel.calls.readSet, reads, 'the same intent asks for no look');
});

test('a look is two reads and no write', async t => {
  const { kernel, start, settle, look } = setUp(t);
  start().setIntent(intent([a], ipip));
  await settle();
  const before = { ...kernel.calls };
  await look();
  t.is(kernel.calls.readSet - before.readSet, 1);
  t.is(kernel.calls.readInput - before.readInput, 1);
});

test('what is not received is not looked at; another agent’s packets pass', async t => {
  const { kernel, start } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a], vxlan));
  t.true(await guard.programmed());
  t.is(kernel.verdict(stranger!, ipip), 'accepted');
  t.is(kernel.verdict(stranger!, { kind: 'udp', port: 8472 }), 'accepted');
  t.is(kernel.verdict(stranger!, vxlan), 'dropped');
});

test('a host that comes is in the set by one write, at once, also while rules wait for a lock', async t => {
  const { kernel, start, settle } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  await guard.programmed();
  await settle();
  const { restoreSets } = kernel.calls;
  let release = () => {};
  kernel.lock = new Promise(resolve => {
    release = resolve;
  });
  guard.setIntent(intent([a, b], ipip, vxlan));
  let programmed = false;
  void guard.programmed().then(() => {
    programmed = true;
  });
  await settle();
  t.true(guard.state().knownHosts.has(b!));
  t.is(kernel.verdict(b!, ipip), 'accepted');
  t.is(kernel.calls.restoreSets, restoreSets + 1);
  guard.setIntent(intent([a, b, c], ipip, vxlan));
  await settle();
  t.is(kernel.verdict(c!, ipip), 'accepted');
  t.false(programmed);
  t.deepEqual(guarded(guard), ['ipip']);
  release();
  t.true(await guard.programmed());
  t.true(programmed);
  t.deepEqual(guarded(guard), ['ipip', 'vxlan/4789']);
});

test('hosts that come and go at once are one write', async t => {
  const { kernel, start, settle } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a, b], ipip));
  await guard.programmed();
  await settle();
  const { writes } = kernel;
  guard.setIntent(intent([b, c], ipip));
  t.true(await guard.programmed());
  await settle();
  t.is(kernel.writes, writes + 1);
  t.deepEqual(kernel.members(HOSTS_SET), [b, c]);
  t.is(kernel.verdict(a!, ipip), 'dropped');
});

test('a host that goes with an encapsulation leaves the set after the rules that need it', async t => {
  const { kernel, start, settle } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a, b], ipip, vxlan));
  await guard.programmed();
  kernel.written.length = 0;
  guard.setIntent(intent([a], ipip));
  await guard.programmed();
  await settle();
  t.deepEqual(kernel.members(HOSTS_SET), [a]);
  const rules = kernel.written.findLastIndex(line => line.startsWith(nft));
  t.true(rules >= 0 && rules < kernel.written.indexOf(`del ${HOSTS_SET} ${b}`), kernel.written.join('\n'));
  t.deepEqual(guarded(guard), ['ipip']);
});

test('when nothing is received nothing of ours is left, and nothing more is asked of the kernel', async t => {
  const { kernel, start, settle, look } = setUp(t);
  kernel.put('create cali40 hash:ip family inet hashsize 1024 maxelem 65536', 'add cali40 10.0.0.9');
  kernel.putRules(nft, '-A INPUT -p tcp -j DROP');
  const before = kernel.snapshot();
  const guard = start();
  guard.setIntent(intent([a, b], ipip, vxlan));
  t.true(await guard.programmed());
  t.notDeepEqual(kernel.snapshot(), before);
  guard.setIntent(intent([a, b]));
  t.true(await guard.programmed());
  await settle();
  t.deepEqual(kernel.snapshot(), before);
  t.deepEqual(guard.state(), { guarded: [], knownHosts: new Set() });
  const calls = { ...kernel.calls };
  guard.setIntent(intent([a, b, c]));
  t.true(await guard.programmed());
  await look();
  t.deepEqual(kernel.calls, calls);
});

test('a host without ipset and iptables that receives nothing has no problem', async t => {
  const { kernel, start } = setUp(t);
  for (const tool of ['ipset', nft, legacy] as const) kernel.missing.add(tool);
  const guard = start();
  guard.setIntent(intent([a]));
  t.true(await guard.programmed());
  t.deepEqual(guard.problems(), []);
});

test('without ipset nothing is guarded, and problems say what to install; once it is there all is made', async t => {
  const { kernel, logged, start, look } = setUp(t);
  kernel.missing.add('ipset');
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.false(await guard.programmed());
  t.deepEqual(guarded(guard), []);
  t.is(guard.problems().length, 1);
  t.like(guard.problems()[0], { severity: 'error', object: 'ipset margay-hosts' });
  t.regex(guard.problems()[0]!.message, /IPIP.*apt-get install ipset/);
  await look();
  t.is(logged.length, 1, 'said once');
  kernel.missing.delete('ipset');
  await look();
  t.deepEqual(guard.problems(), []);
  t.deepEqual(guarded(guard), ['ipip']);
  t.true(await guard.programmed());
});

test('without iptables the same', async t => {
  const { kernel, start, settle, look } = setUp(t);
  kernel.missing.add(nft).add(legacy);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.false(await guard.programmed());
  t.regex(guard.problems()[0]!.message, /apt-get install iptables/);
  t.is(guard.problems()[0]!.object, 'iptables INPUT');
  await settle();
  kernel.missing.clear();
  await look();
  t.deepEqual(guard.problems(), []);
  t.true(await guard.programmed());
});

test('a kernel that takes no rules by nft, though it can be read: legacy is used', async t => {
  const { kernel, start, look } = setUp(t);
  kernel.deaf.add(nft);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.true(await guard.programmed());
  t.is(kernel.rules(legacy, 'margay-input')?.length, 3);
  t.is(kernel.rules(nft, 'margay-input'), undefined);
  const { restoreRules } = kernel.calls;
  await look();
  t.is(kernel.calls.restoreRules, restoreRules, 'it is not tried again');
});

test('a host that uses legacy is guarded by legacy; our leftovers in the other are swept', async t => {
  const { kernel, start, settle } = setUp(t);
  const first = start();
  first.setIntent(intent([a], ipip));
  t.true(await first.programmed());
  t.is(kernel.rules(nft, 'margay-input')?.length, 3);
  first.close();
  kernel.putRules(legacy, '-A INPUT -p tcp -j DROP');
  const second = start();
  second.setIntent(intent([a], ipip));
  t.true(await second.programmed());
  await settle();
  t.is(kernel.rules(legacy, 'margay-input')?.length, 3);
  t.is(kernel.rules(nft, 'margay-input'), undefined);
  t.deepEqual(kernel.rules(nft, 'INPUT'), []);
  t.is(kernel.rules(legacy, 'INPUT')?.at(-1), '-p tcp -j DROP');
});

test('what a host’s own iptables refuses is not written to the other', async t => {
  const { kernel, start, settle, look } = setUp(t);
  kernel.putRules(legacy, '-A INPUT -p tcp -j DROP');
  kernel.failNext('restoreRules', 1, 'Another app is currently holding the xtables lock');
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.false(await guard.programmed());
  t.regex(guard.problems()[0]!.message, /xtables lock/);
  t.is(kernel.rules(nft, 'margay-input'), undefined);
  await settle();
  await look();
  t.true(await guard.programmed());
  t.is(kernel.rules(legacy, 'margay-input')?.length, 3);
});

test('other packet filters that drop by policy are named', async t => {
  const { kernel, start, settle } = setUp(t);
  kernel.drops = ['inet firewalld filter_INPUT'];
  kernel.putRules(nft, '-A INPUT -p tcp -j DROP');
  kernel.tables[legacy].policy = 'DROP';
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.true(await guard.programmed());
  await settle();
  t.deepEqual(
    guard.problems().map(({ severity, object }) => `${severity} ${object}`),
    ['warning iptables-legacy INPUT', 'warning nftables inet firewalld filter_INPUT'],
  );
});

const damages: readonly (readonly [string, (kernel: FakeGuardKernel) => void])[] = [
  ['a member removed', kernel => kernel.put(`del ${HOSTS_SET} 10.0.0.1`)],
  ['all members removed', kernel => kernel.sets.get(HOSTS_SET)!.elements.clear()],
  ['a stranger added', kernel => kernel.put(`add ${HOSTS_SET} 203.0.113.9`)],
  ['a member excluded', kernel => kernel.put(`add ${HOSTS_SET} 10.0.0.1 nomatch`)],
  ['our chain emptied', kernel => kernel.putRules(nft, '-F margay-input')],
  ['INPUT emptied', kernel => kernel.putRules(nft, '-F INPUT')],
  ['our rule twice', kernel => kernel.putRules(nft, jump)],
  ['a rule put in front', kernel => kernel.putRules(nft, '-I margay-input 1 -j ACCEPT')],
  ['our chain gone', kernel => kernel.putRules(nft, '-F INPUT', '-F margay-input', '-X margay-input')],
  [
    'everything gone',
    kernel => {
      kernel.putRules(nft, '-F INPUT', '-F margay-input', '-X margay-input');
      kernel.put(`destroy ${HOSTS_SET}`);
    },
  ],
  [
    'swapped for another',
    kernel => {
      if (kernel.sets.get(HOSTS_SET)?.type !== 'hash:net family inet') return;
      const other = 'create other hash:net family inet hashsize 1024 maxelem 65536';
      kernel.put(other, `swap other ${HOSTS_SET}`, 'destroy other');
    },
  ],
];

for (const [name, damage] of damages) {
  test(`drift is healed at the next look, and said with its time: ${name}`, async t => {
    const { kernel, clock, logged, start, settle, look } = setUp(t);
    const guard = start();
    guard.setIntent(intent([a, b], ipip, vxlan));
    await guard.programmed();
    await settle();
    const whole = kernel.snapshot();
    logged.length = 0;
    clock.advance(700);
    damage(kernel);
    clock.advance(LOOK_MS - 700);
    await settle();
    t.deepEqual(kernel.snapshot(), whole);
    t.is(kernel.verdict(a!, ipip), 'accepted');
    t.is(kernel.verdict(stranger!, vxlan), 'dropped');
    t.is(logged.length, 1, logged.join('\n'));
    t.regex(logged[0]!, /^info .* healed.* 2000 ms/);
    const { writes } = kernel;
    await look();
    t.is(kernel.writes, writes, 'healed once');
  });
}

/** Old sets that rules of an older version refer to. */
const olderSets = {
  'another type': `create ${HOSTS_SET} hash:ip family inet hashsize 1024 maxelem 65536`,
  'elements that expire': `create ${HOSTS_SET} hash:net family inet hashsize 1024 maxelem 65536 timeout 600`,
  'too small': `create ${HOSTS_SET} hash:net family inet hashsize 1024 maxelem 3`,
} as const;

/** At no moment a known host is dropped or an unknown one accepted. */
function watch(t: ExecutionContext, kernel: FakeGuardKernel, hosts: readonly IpAddress[]): { steps: number } {
  const seen = { steps: 0 };
  kernel.stepped = () => {
    seen.steps++;
    const right =
      hosts.every(host => kernel.verdict(host, ipip) === 'accepted') &&
      kernel.verdict(stranger!, ipip) === 'dropped';
    // Thousands of steps: no words before they are needed.
    if (!right) t.fail(kernel.written.join('\n'));
  };
  return seen;
}

for (const [name, create] of Object.entries(olderSets)) {
  for (const variant of [nft, legacy] as const) {
    test(`an older version’s set (${name}) under rules of ${variant} is replaced without a gap`, async t => {
      const { kernel, start, look } = setUp(t);
      kernel.put(create, `add ${HOSTS_SET} 10.0.0.1`, `add ${HOSTS_SET} 10.0.0.2`);
      const rules = guardRules(intent([], ipip), HOSTS_SET).map(rule =>
        rule.replace(/:[0-9a-f]{8}"/, ':0ld"'),
      );
      kernel.putRules(variant, ':margay-input - [0:0]', ...rules, jump);
      const seen = watch(t, kernel, [a!, b!]);
      const guard = start();
      guard.setIntent(intent([a, b], ipip));
      t.true(await guard.programmed());
      await look();
      await look();
      t.true(seen.steps > 3);
      t.regex(
        `${kernel.sets.get(HOSTS_SET)!.type} ${kernel.sets.get(HOSTS_SET)!.options}`,
        /^hash:net family inet maxelem \d+$/,
      );
      t.deepEqual([...kernel.sets.keys()], [HOSTS_SET]);
      t.deepEqual(kernel.members(HOSTS_SET), [a, b]);
      t.deepEqual(guard.problems(), []);
      const { writes } = kernel;
      await look();
      t.is(kernel.writes, writes);
    });
  }
}

test('a set of our name, another type and another’s rules: the spare set does, and a warning says so', async t => {
  const { kernel, start, settle, look } = setUp(t);
  let release = () => {};
  kernel.put(`create ${HOSTS_SET} bitmap:port range 1-100`);
  kernel.held.add(HOSTS_SET);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.true(await guard.programmed());
  await settle();
  t.deepEqual(guarded(guard), ['ipip']);
  t.deepEqual(guard.state().knownHosts, new Set([a!]));
  t.deepEqual(
    guard.problems().map(({ severity, object }) => `${severity} ${object}`),
    ['warning ipset margay-hosts'],
  );
  watch(t, kernel, [a!]);
  guard.setIntent(intent([a, b], ipip));
  t.true(await guard.programmed());
  t.deepEqual(kernel.members(SPARE_SET), [a, b]);
  await settle();
  kernel.lock = new Promise(resolve => {
    release = resolve;
  });
  await look();
  t.deepEqual(guard.state().knownHosts, new Set([a!, b!]), 'it stays known in the middle of a look');
  release();
  await settle();
  kernel.held.clear();
  await look();
  await look();
  t.deepEqual([...kernel.sets.keys()], [HOSTS_SET]);
  t.deepEqual(kernel.members(HOSTS_SET), [a, b]);
  t.deepEqual(guard.problems(), []);
});

test('a cluster that shrinks is one swap, as often as it does, and no host that stays is missing meanwhile', async t => {
  const { kernel, start, settle, look } = setUp(t);
  const many = Array.from({ length: 3000 }, (_, i) => `10.1.${i >> 8}.${i & 255}` as IpAddress);
  const guard = start();
  for (const failures of [0, 1, 0]) {
    guard.setIntent(intent([a, ...many], ipip));
    t.true(await guard.programmed());
    await settle();
    watch(t, kernel, [a!, many[0]!]);
    kernel.written.length = 0;
    // Halfway: a spare set is left that nobody refers to.
    kernel.failNext('restoreSets', failures);
    guard.setIntent(intent([a, b, many[0]], ipip));
    await settle();
    await look();
    t.true(await guard.programmed());
    t.is(kernel.written.filter(line => line.startsWith('swap')).length, 1);
    t.deepEqual(kernel.members(HOSTS_SET), [a, b, many[0]]);
    t.deepEqual([...kernel.sets.keys()], [HOSTS_SET]);
  }
});

test('a variant that refuses what it took before is left for the other', async t => {
  const { kernel, start, settle, look } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  t.true(await guard.programmed());
  t.is(kernel.rules(nft, 'margay-input')?.length, 3);
  kernel.deaf.add(nft);
  guard.setIntent(intent([a], ipip, vxlan));
  t.false(await guard.programmed());
  t.deepEqual(guarded(guard), ['ipip']);
  await settle();
  await look();
  t.true(await guard.programmed());
  t.is(kernel.rules(legacy, 'margay-input')?.length, 6);
});

for (const operation of ['readSet', 'restoreSets', 'readInput', 'restoreRules', 'destroySet'] as const) {
  for (const times of [1, 2]) {
    test(`${operation} fails ${times} times: tried again, and nothing is lost`, async t => {
      const { kernel, start, settle, look } = setUp(t);
      kernel.put(olderSets['another type'], `add ${HOSTS_SET} 10.0.0.1`);
      kernel.putRules(nft, ':margay-input - [0:0]', ...guardRules(intent([], ipip), HOSTS_SET), jump);
      watch(t, kernel, [a!]);
      kernel.failNext(operation, times);
      const guard = start();
      guard.setIntent(intent([a, b], ipip));
      await settle();
      for (let i = 0; i < 4; i++) await look();
      t.true(await guard.programmed());
      t.deepEqual(guard.problems(), []);
      t.deepEqual([...kernel.sets.keys()], [HOSTS_SET]);
      t.deepEqual(kernel.members(HOSTS_SET), [a, b]);
    });
  }
}

test('a look that fails takes nothing away of what is known: hosts and encapsulations stay, with a warning', async t => {
  const { kernel, start, settle, look } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  await guard.programmed();
  await settle();
  const before = guard.state();
  for (const operation of ['readSet', 'readInput'] as const) {
    kernel.failNext(operation);
    await look();
    t.deepEqual(guard.state(), before);
    t.true(await guard.programmed());
    t.like(guard.problems(), { length: 1, 0: { severity: 'warning' } });
    await look();
    t.deepEqual(guard.problems(), []);
  }
});

test('changed is called for what has changed, and for nothing else', async t => {
  const { start, settle, look, changes } = setUp(t);
  const guard = start();
  guard.setIntent(intent([a], ipip));
  await settle();
  t.true(changes() > 0);
  const before = changes();
  await look();
  t.is(changes(), before);
  guard.setIntent(intent([a, b], ipip));
  await settle();
  t.is(changes(), before + 1);
});

test('before the first intent nothing is touched; after close nothing any more, and nobody waits in vain', async t => {
  const { kernel, start, settle, look } = setUp(t);
  const guard = start();
  const waiting = guard.programmed();
  await look();
  t.deepEqual(kernel.calls, new FakeGuardKernel().calls);
  guard.setIntent(intent([a], ipip));
  t.true(await waiting);
  await settle();
  const whole = kernel.snapshot();
  kernel.lock = new Promise(() => {});
  guard.setIntent(intent([a], vxlan));
  const pending = guard.programmed();
  guard.close();
  t.false(await pending);
  t.false(await guard.programmed());
  await look();
  t.deepEqual(kernel.snapshot(), whole);
});

test('cleanup leaves what was there before, by both variants, and says what it did', async t => {
  const { kernel, start, settle } = setUp(t);
  kernel.put('create cali40 hash:ip family inet hashsize 1024 maxelem 65536');
  kernel.putRules(nft, '-A INPUT -p tcp -j DROP');
  const before = kernel.snapshot();
  const guard = start();
  guard.setIntent(intent([a], ipip, vxlan));
  await guard.programmed();
  await settle();
  guard.close();
  kernel.put(`create ${SPARE_SET} hash:net family inet hashsize 1024 maxelem 65536`);
  kernel.putRules(legacy, ':margay-input - [0:0]', jump);
  const { done, failed } = await undoGuard({ firewall: kernel });
  t.deepEqual(kernel.snapshot(), before);
  t.is(done.length, 4);
  t.deepEqual(failed, []);
  t.deepEqual(await undoGuard({ firewall: kernel }), { done: [], failed: [] });
  kernel.missing.add('ipset').add(nft).add(legacy);
  t.deepEqual(await undoGuard({ firewall: kernel }), { done: [], failed: [] });
});

const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'] as IpAddress[];
const step = fc.oneof(
  fc.record({
    kind: fc.constant('intent' as const),
    hosts: fc.subarray(hosts),
    receives: fc.subarray([ipip, vxlan], { minLength: 0 }),
  }),
  fc.record({ kind: fc.constant('damage' as const), which: fc.nat(damages.length - 1) }),
  fc.record({
    kind: fc.constant('failure' as const),
    operation: fc.constantFrom('readSet', 'restoreSets', 'destroySet', 'readInput', 'restoreRules'),
  }),
  fc.record({ kind: fc.constant('turns' as const), count: fc.nat(6) }),
  fc.record({ kind: fc.constant('restart' as const) }),
);

test('whatever happens in whatever order, the end is what the last intent says, and others keep theirs', async t => {
  const start = fc.constantFrom(
    undefined,
    ...Object.values(olderSets),
    `create ${SPARE_SET} hash:ip family inet`,
  );
  await fc.assert(
    fc.asyncProperty(start, fc.array(step, { maxLength: 14 }), async (create, steps) => {
      const kernel = new FakeGuardKernel();
      kernel.put('create cali40 hash:ip family inet', 'add cali40 10.9.9.9');
      kernel.putRules(nft, '-A INPUT -p tcp -j DROP');
      if (create !== undefined) kernel.put(create);
      const { start, settle, look } = setUp(t, kernel);
      let guard = start();
      let last = intent(hosts, ipip);
      guard.setIntent(last);
      for (const one of steps) {
        if (one.kind === 'intent') {
          last = intent(one.hosts, ...one.receives);
          guard.setIntent(last);
        } else if (one.kind === 'failure') kernel.failNext(one.operation);
        else if (one.kind === 'turns') {
          for (let i = 0; i < one.count; i++) await new Promise(resolve => setImmediate(resolve));
        } else if (one.kind === 'restart') {
          guard.close();
          await settle();
          guard = start();
          guard.setIntent(last);
        } else {
          try {
            damages[one.which]![1](kernel);
          } catch {
            // There is nothing to damage.
          }
        }
      }
      for (let i = 0; i < 6; i++) await look();
      const text = JSON.stringify(kernel.snapshot());
      t.deepEqual(guard.problems(), [], text);
      t.deepEqual(guarded(guard), last.receives.map(encapsulationKey).sort(), text);
      t.deepEqual(kernel.members(HOSTS_SET), last.receives.length === 0 ? [] : [...last.knownHosts].sort());
      t.deepEqual(kernel.members('cali40'), ['10.9.9.9']);
      t.is(kernel.sets.size, last.receives.length === 0 ? 1 : 2, text);
      const { writes } = kernel;
      await look();
      t.is(kernel.writes, writes);
      guard.close();
    }),
    { numRuns: 40 },
  );
});
