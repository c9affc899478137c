/**
 * What passes while the packet filter is written to, by us and by others: streams of packets that policy denies, and of some that it allows,
 * run through a host all the time, as fast as they go.
 */
import test from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { patience } from '../../../demo/patience.js';
import type { Implementation } from '../../../linux/iptables-choice.js';
import { allowed, denied, deniedByHost, Filtered, failsafe, rendered } from './streams.js';

const backends = ['nft', 'legacy'] as const satisfies readonly Implementation[];

for (const backend of backends) {
  test.serial(
    `${backend}: our own applies, of a part and of everything, let no denied packet through`,
    async t => {
      t.timeout(120_000);
      const host = new Filtered(t, backend);
      const open = allowed.length + failsafe.length;
      const ways = [...allowed, ...failsafe, ...denied, ...deniedByHost];
      await host.apply(rendered(0));
      const { chains } = host.applier.status().counts;
      const stream = host.stream(ways);
      /** The most of one way that is open. */
      const lost = () => Math.max(...stream.passed.slice(0, open).map(count => stream.sent - count));
      for (let round = 1; round <= 12; round++) await host.apply(rendered(round));
      const lostInPart = lost();
      // An agent that is started anew, after policy has changed.
      for (let round = 20; round < 25; round++) {
        host.applier.close();
        host.applier = host.newApplier();
        await host.apply(rendered(round));
      }
      const lostAtStart = lost();
      // Every chain is another one.
      for (let round = 0; round < 6; round++) {
        await host.apply(rendered(round, { markMask: round % 2 === 0 ? 0xff000 : 0xffff0000 }));
      }
      const lostByMarks = lost();
      // The guard comes and goes.
      for (let round = 0; round < 4; round++) {
        await host.apply(rendered(round, { failClosedForwarding: round % 2 === 0 }));
      }
      await stream.end();
      t.log(`${stream.sent} rounds of ${ways.length} packets, ${chains} chains`);
      t.log(
        `of those that are allowed, lost: ${lostInPart} by parts, ${lostAtStart} with starts, ${lostByMarks} with other marks, ${lost()} with the guard`,
      );
      t.log(`${stream.passed}`);
      t.deepEqual(stream.passed.slice(open), [0, 0, 0, 0, 0, 0]);
      t.true(stream.sent > 200, String(stream.sent));
      t.is(lost(), 0, 'and what is allowed goes on');
    },
  );

  test.serial(`${backend}: a host that denies everything keeps SSH and BGP, and nothing else`, async t => {
    const host = new Filtered(t, backend);
    await host.apply(rendered(0));
    const arrivals = await host.lab.pass(
      [...failsafe, ...deniedByHost].map(([from, , packet]) => ({ from, packet: packet(40_000) })),
      100,
    );
    t.deepEqual(arrivals, [['host'], ['host'], ['eth0'], [], []]);
  });

  test.serial(
    `${backend}: what another’s flush exposes passes for less than a second, and is said`,
    async t => {
      t.timeout(120_000);
      const host = new Filtered(t, backend);
      await host.apply(rendered(0));
      const stream = host.stream(denied.slice(0, 2));
      const flushes = [
        [`iptables-${backend}`, '-F'],
        [`iptables-${backend}`, '-F', 'FORWARD'],
      ];
      for (const [number, flush] of flushes.entries()) {
        await new Promise(resolve => setTimeout(resolve, 200));
        const before = stream.passed[0]!;
        const beganMs = systemClock.now();
        await host.run(...flush);
        t.true(await host.healed(number));
        await new Promise(resolve => setTimeout(resolve, 200));
        const passed = stream.passedMs[0]!.slice(before);
        t.true(passed.length > 0, 'the stream sees the gap');
        const gapMs = passed.at(-1)! - beganMs;
        t.true(gapMs < 1000 * patience, `${gapMs} ms`);
        const { what, sinceMs, untilMs } = host.applier.status().exposures[number]!;
        t.regex(what, /^ipv4 filter: .*FORWARD/);
        t.true(untilMs! - sinceMs >= passed.at(-1)! - passed[0]! - 20, 'no less than it was');
        t.log(
          `${flush.join(' ')}: ${passed.length} packets in ${Math.round(gapMs)} ms; said: ${Math.round(untilMs! - sinceMs)} ms`,
        );
      }
      t.is(host.applier.status().exposureCount, flushes.length);
      await stream.end();
    },
  );

  test.serial(
    `${backend}: with failClosedForwarding no flush of the filter table, nor of a chain, lets one through`,
    async t => {
      t.timeout(180_000);
      const host = new Filtered(t, backend);
      await host.apply(rendered(0, { failClosedForwarding: true }));
      const stream = host.stream([...denied, ...allowed]);
      const saved = await host.run(`iptables-${backend}-save`, '-t', 'filter');
      const ours = [...new Set([...saved.matchAll(/^-A (mgy-\S+) /gm)].map(([, name]) => name!))];
      t.true(ours.length >= 8, ours.join());
      const flushes = [[], ['FORWARD'], ...ours.map(name => [name])];
      let number = 0;
      for (const tool of ['iptables', 'ip6tables']) {
        for (const chain of tool === 'iptables' ? flushes : [[]]) {
          await host.run(`${tool}-${backend}`, '-F', ...chain);
          t.true(await host.healed(number++), `${tool} -F ${chain.join()}`);
          const leaked = stream.passed.slice(0, denied.length);
          if (!t.deepEqual(leaked, [0, 0, 0, 0], `${tool} -F ${chain.join()}`)) break;
        }
      }
      await stream.end();
      t.log(
        `${number} flushes, ${stream.sent} rounds of packets; of those that are allowed ${stream.passed.at(-1)} passed`,
      );
      t.true(stream.sent > 200);
      t.true(stream.passed.at(-1)! > 0);
    },
  );
}
