/**
 * Both ends of a session killed with -9, in the same moment and a little apart, under traffic, with a third host that looks on. While they
 * are down each loses a block, of which it says nothing when it is back: that route goes everywhere at its End-of-RIB, and no other does.
 * `MARGAY_RESTARTS` says how often (3), `MARGAY_SEED` repeats a run.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { logTail, within } from '../../../demo/host-lab.js';
import { type Host, Lab } from '../../../demo/lab.js';
import { Random } from '../../support/random.js';
import { watchRoutes } from '../../support/route-watch.js';

const rounds = Number(process.env.MARGAY_RESTARTS ?? 3);
const seed = Number(process.env.MARGAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const FARTHEST_APART_MS = 1500;
const DOWN_MS = 1000;
/** From End-of-RIB to the kernel; a stale timer (120 s) is far from it. */
const SOON_MS = 10_000;

/** A block that `host` has until some round. */
interface Passing {
  readonly host: Host;
  readonly prefix: string;
  readonly file: string;
}

function passingBlock(lab: Lab, host: Host, round: number): Passing {
  const prefix = `10.244.${100 + 2 * round + lab.hosts.indexOf(host)}.0/24`;
  const name = `${host.name}-${round}`;
  const file = join(lab.store, `BlockAffinity-${name}.yaml`);
  const document = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BlockAffinity',
    metadata: { name },
    spec: { node: host.name, cidr: prefix, state: 'confirmed' },
  };
  writeFileSync(file, JSON.stringify(document));
  return { host, prefix, file };
}

function newLab(t: ExecutionContext): Lab {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const lab = new Lab({ runId: `${run}-e`, hosts: ['a', 'b', 'c'], podsPerHost: 1 });
  t.teardown(() => lab.close());
  return lab;
}

/** When the session of `host` with `other` came up, milliseconds since the Unix epoch; undefined where it is not. */
async function upSince(lab: Lab, host: Host, other: Host): Promise<number | undefined> {
  const peer = (await lab.peers(host)).find(({ address }) => address === other.address);
  return peer?.state === 'Established' ? peer.sinceUnixMs : undefined;
}

test('both ends killed with -9, at once and a little apart: no ping is lost, and what is not told again goes at End-of-RIB', async t => {
  t.timeout(120_000 + rounds * 60_000);
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const lab = newLab(t);
  const [a, b] = lab.hosts as [Host, Host];
  const passing = Array.from({ length: rounds }, (_, round) =>
    [a, b].map(host => passingBlock(lab, host, round)),
  );
  for (const host of lab.hosts) lab.startAgent(host);
  const everywhere = (prefixes: readonly string[]) =>
    lab.hosts.every(host => prefixes.every(prefix => lab.routes(host).includes(prefix)));
  const all = passing.flat().map(({ prefix }) => prefix);
  t.true(await within(30_000, async () => (await lab.converged()) && everywhere(all)), logTail(a));

  const watches = new Map(lab.hosts.map(host => [host, watchRoutes(t, host.namespace)]));
  await sleep(300);
  const pings = lab.pingAll(0.01);
  t.teardown(() => pings.stop());
  for (const [round, gone] of passing.entries()) {
    // The first time in the same moment.
    const apart = () => (round === 0 ? 0 : random.below(FARTHEST_APART_MS));
    const [first, second] = random.below(2) === 0 ? [a, b] : [b, a];
    const seen = new Map([...watches].map(([host, changes]) => [host, changes.length]));
    const killedApart = apart();
    await Promise.all([
      lab.endAgent(first, 'SIGKILL'),
      sleep(killedApart).then(() => lab.endAgent(second, 'SIGKILL')),
    ]);
    for (const { file } of gone) rmSync(file);
    await sleep(DOWN_MS);
    t.true(everywhere(gone.map(({ prefix }) => prefix)));
    const startedUnixMs = Date.now();
    const startedApart = apart();
    lab.startAgent(first);
    await sleep(startedApart);
    lab.startAgent(second);
    t.true(await within(40_000, () => lab.converged()), `${logTail(first)}\n${logTail(second)}`);

    let latestMs = 0;
    for (const [host, changes] of watches) {
      const since = () => changes.slice(seen.get(host));
      t.true(await within(SOON_MS, () => since().length >= gone.length), `${host.name}: ${logTail(host)}`);
      t.is(since().length, gone.length, JSON.stringify(since()));
      for (const { host: owner, prefix } of gone) {
        const removal = since().find(({ line }) => line.startsWith('Deleted ') && line.includes(prefix));
        t.true(removal !== undefined && removal.atUnixMs > startedUnixMs, `${host.name}: ${prefix}`);
        // Its own one when everybody has told it everything.
        const tellers = owner === host ? lab.hosts.filter(other => other !== host) : [owner];
        const ups = await Promise.all(tellers.map(teller => upSince(lab, host, teller)));
        const told = removal!.atUnixMs - Math.max(...ups.map(up => up ?? Number.NaN));
        t.true(told >= 0 && told < SOON_MS, `${host.name}: ${prefix} ${told} ms after the session was up`);
        latestMs = Math.max(latestMs, told);
      }
    }
    t.log(
      `${first.name}, ${second.name}: killed ${killedApart} ms and started ${startedApart} ms apart; the last route went ` +
        `${latestMs} ms after its session was up`,
    );
  }
  const { sent, received } = await pings.stop();
  t.log(`${received} of ${sent} pings, ${rounds} times`);
  t.true(sent > 100);
  t.is(received, sent);
});
