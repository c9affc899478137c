/** What others do to our sets in the kernel: noticed within a second, though the kernel tells nobody, and packets pass again. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { patience } from '../../../demo/patience.js';
import { IpsetHeaders } from '../../../linux/netlink/ipset-headers.js';
import type { FilterKernel } from '../../../policy/apply/kernel.js';
import { smallFilter } from '../../policy/apply/filters.js';
import { eventually } from '../../support/eventually.js';
import { skip } from '../../support/skip.js';
import { filterHost, startFilter } from './filter-host.js';
import { allowed, Filtered, rendered } from './streams.js';

for (const backend of ['nft', 'legacy'] as const) {
  test.serial(
    `${backend}: a flushed set is filled within a second, and the packets that it lets through pass again`,
    async t => {
      const host = new Filtered(t, backend);
      await host.apply(rendered(0));
      const [[from, to, packet]] = allowed as readonly [(typeof allowed)[number]];
      let port = 30_000;
      const passes = async () => {
        const [arrivals] = await host.lab.pass([{ from, packet: packet(port++) }], 20);
        return arrivals!.includes(to);
      };
      // No check by itself is due.
      await sleep(4000);
      t.true(await passes());
      const sets = (await host.run('ipset', 'list', '-n')).split('\n');
      const friends: string[] = [];
      for (const name of sets.filter(one => one.startsWith('mgy')))
        if ((await host.run('ipset', 'save', name)).includes('10.65.0.1')) friends.push(name);
      t.is(friends.length, 1);
      const [name] = friends;
      for (const [number, change] of [['flush', name!], ['del', name!, '10.65.0.1'], ['flush']].entries()) {
        const beganMs = performance.now();
        await host.run('ipset', ...change);
        t.false(await passes(), 'it was let through by the set');
        t.true(await host.healed(number));
        const tookMs = performance.now() - beganMs;
        t.true(await passes());
        const { what } = host.applier.status().exposures.at(-1)!;
        t.log(`ipset ${change.join(' ')}: ${Math.round(tookMs)} ms (${what})`);
        t.regex(what, new RegExp(`^sets: .*${name}`));
        t.true(tookMs < 1000 * patience, `${tookMs} ms`);
      }
    },
  );
}

test.serial('what others do to their sets makes us run nothing', async t => {
  const filterOf = filterHost(t, 'nft');
  if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
  const { run, kernel } = filterOf;
  const calls: string[] = [];
  const counted = new Proxy(kernel, {
    get(target, name: keyof FilterKernel) {
      if (name !== 'isOwnChild') calls.push(name);
      return target[name];
    },
  });
  // The second writes nothing: no check of it is due for a while.
  for (const start of ['first', 'second']) {
    const { applier } = startFilter(t, { ...filterOf, kernel: counted });
    applier.setDesired(smallFilter());
    t.true(await applier.applied());
    if (start === 'first') applier.close();
  }
  await sleep(700);
  calls.length = 0;
  run('ipset', 'add', 'foreign', '198.51.100.2');
  run('ipset', 'create', 'another', 'hash:net');
  await sleep(1200);
  run('ipset', 'flush', 'foreign');
  run('ipset', 'destroy', 'another');
  await sleep(1200);
  t.deepEqual(calls, []);
  run('ipset', 'flush', 'mgy-a');
  t.true(await eventually(() => calls.includes('restoreSets'), 2000));
});

test.serial('hundreds of sets are looked at in milliseconds', async t => {
  const filterOf = filterHost(t, 'nft');
  if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
  const { run, host } = filterOf;
  const names = Array.from({ length: 500 }, (_, i) => `mgy-s${i}`);
  const lines = names.flatMap(name => [`create ${name} hash:net`, `add ${name} 10.0.0.0/8`]);
  run('sh', '-c', `echo '${lines.join('\n')}' | ipset restore`);
  const headers = new IpsetHeaders(host.path);
  t.teardown(() => headers.close());
  await headers.read();
  const beganMs = performance.now();
  const rounds = 20;
  for (let i = 0; i < rounds; i++) {
    const found = await headers.read();
    t.is(found.size, 501);
    t.is(found.get('mgy-s7')?.elements, 1);
  }
  const eachMs = (performance.now() - beganMs) / rounds;
  t.log(`${eachMs.toFixed(2)} ms a look at 501 sets`);
  t.true(eachMs < 100 * patience);
});
