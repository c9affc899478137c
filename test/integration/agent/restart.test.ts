/**
 * The agent killed at random moments, its start included, under traffic. `MARGAY_RESTARTS` says how often (3), `MARGAY_DOWN_SECONDS` how
 * long it stays down each time (2), `MARGAY_SEED` repeats a run:
 *
 *     MARGAY_RESTARTS=20 MARGAY_DOWN_SECONDS=30 npm test -- --stage integration --match '*random moments*'
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { logTail, within } from '../../../demo/host-lab.js';
import { type Host, Lab } from '../../../demo/lab.js';
import { nodeCommand } from '../../../demo/node-command.js';
import { watchRoutes } from '../../support/route-watch.js';

const restarts = Number(process.env.MARGAY_RESTARTS ?? 3);
const downSeconds = Number(process.env.MARGAY_DOWN_SECONDS ?? 2);
const seed = Number(process.env.MARGAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
let labs = 0;

function random(): () => number {
  let state = seed % 2147483647 || 1;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}

async function newLab(t: ExecutionContext, hosts: readonly string[]): Promise<Lab> {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const lab = new Lab({ runId: `${run}-${labs++}`, hosts, podsPerHost: 1 });
  t.teardown(() => lab.close());
  for (const host of lab.hosts) lab.startAgent(host);
  t.true(await within(20_000, () => lab.converged()), logTail(lab.hosts[0]!));
  return lab;
}

function ip(host: Host, words: string): string {
  return execFileSync('ip', ['-n', host.namespace, ...words.split(' ')], { encoding: 'utf8' });
}

test('killed with -9 at random moments: no ping is lost, correct routes are not written again', async t => {
  t.timeout(300_000 + restarts * (downSeconds + 30) * 1000);
  t.log(`seed ${seed}`);
  const next = random();
  const lab = await newLab(t, ['a', 'b', 'c']);
  const watches = lab.hosts.map(host => watchRoutes(t, host.namespace));
  await sleep(300);
  const pings = lab.pingAll(0.01);
  for (let i = 0; i < restarts; i++) {
    const victim = lab.hosts[Math.floor(next() * lab.hosts.length)]!;
    await lab.endAgent(victim, 'SIGKILL');
    await sleep(downSeconds * 1000);
    // Once more in the middle of its start.
    lab.startAgent(victim);
    await sleep(next() * 1500);
    await lab.endAgent(victim, 'SIGKILL');
    lab.startAgent(victim);
    t.true(await within(30_000, () => lab.converged()), `${victim.name}: ${logTail(victim)}`);
  }
  const { sent, received } = await pings.stop();
  t.log(`${received} of ${sent} pings, ${restarts} moments`);
  t.true(sent > 100);
  t.is(received, sent);
  t.deepEqual(watches.flat(), []);
});

test('a restart mends what was changed meanwhile and leaves foreign routes alone', async t => {
  t.timeout(120_000);
  const lab = await newLab(t, ['a', 'b']);
  const [a, b] = lab.hosts as [Host, Host];
  const before = lab.routes(a);
  await lab.endAgent(a, 'SIGKILL');
  ip(a, `route del ${b.block} proto 157`);
  ip(a, `route add ${a.block.replace('10.244', '10.77')} via ${b.address} proto static`);
  ip(a, `route add 10.78.0.0/24 via ${b.address} proto 157 metric 1024`);
  lab.startAgent(a);
  t.true(await within(20_000, () => lab.converged()), logTail(a));
  // What an older process left and nobody wants goes once all is in sync.
  t.true(await within(10_000, () => !lab.routes(a).includes('10.78.0.0/24')));
  t.true(lab.routes(a).includes('10.77.1.0/24'));
  ip(a, 'route del 10.77.1.0/24');
  t.deepEqual(lab.routes(a).split('\n').sort(), before.split('\n').sort());
});

test('drift is mended within a second: a deleted route, a link that went down and up', async t => {
  t.timeout(120_000);
  const lab = await newLab(t, ['a', 'b']);
  const [a, b] = lab.hosts as [Host, Host];
  ip(a, `route del ${b.block} proto 157`);
  t.true(await within(1000, () => lab.routes(a).includes(b.block)));
  ip(a, 'link set eth0 down');
  await sleep(200);
  t.false(lab.routes(a).includes(`${b.block} via`));
  ip(a, 'link set eth0 up');
  t.true(await within(1500, () => lab.routes(a).includes(`${b.block} via`)), logTail(a));
});

test('SIGTERM leaves routes and peers in place; `cleanup` takes everything away', async t => {
  t.timeout(120_000);
  const lab = await newLab(t, ['a', 'b']);
  const [a, b] = lab.hosts as [Host, Host];
  const before = lab.routes(a);
  const pings = lab.pingAll(0.01);
  await lab.endAgent(a, 'SIGTERM');
  await sleep(500);
  t.is(lab.routes(a), before);
  const peer = (await lab.peers(b)).find(({ address }) => address === a.address);
  t.is(peer?.routes.stale, 1);
  const { sent, received } = await pings.stop();
  t.is(received, sent);
  const words = ['netns', 'exec', a.namespace, ...nodeCommand, ...lab.agentCommand(a), 'cleanup'];
  const output = execFileSync('ip', words, { encoding: 'utf8' });
  t.regex(output, /3 ipv4 routes removed/);
  t.false(lab.routes(a).includes('proto 157'));
});

test('a second agent on a host is refused, with a configuration of its own too, and so is a cleanup; the speaker alone is not', async t => {
  t.timeout(120_000);
  const lab = await newLab(t, ['a', 'b']);
  const [a] = lab.hosts as [Host, Host];
  const before = lab.routes(a);
  const folder = mkdtempSync(join(tmpdir(), 'mgy-second-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const own = ['store-directory', 'state-directory'].flatMap(flag => [`--${flag}`, join(folder, flag)]);
  const second = (...words: string[]) => {
    const flags = ['--config', '/dev/null', '--control-socket', join(folder, 'run/c.sock'), ...own];
    const command = [process.execPath, lab.agentCommand(a)[0]!, ...flags, '--stale-time', '1', ...words];
    return spawn('ip', ['netns', 'exec', a.namespace, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  };
  for (const words of [[], ['cleanup']]) {
    const agent = second('--node-name', 'other', ...words);
    const [output, error] = [text(agent.stdout), text(agent.stderr)];
    t.is(await new Promise(resolve => agent.on('exit', resolve)), 1);
    t.regex((await output) + (await error), /\(pid \d+\)/);
  }
  const speaker = second('--node-name', 'other', '--dataplane', 'none');
  t.true(await within(10_000, async () => existsSync(join(folder, 'run/c.sock'))));
  await sleep(1500);
  t.is(speaker.exitCode, null);
  speaker.kill('SIGTERM');
  await new Promise(resolve => speaker.on('exit', resolve));
  t.is(lab.routes(a), before);
});

test('a document that makes no sense is said, and the rest goes on', async t => {
  t.timeout(120_000);
  const lab = await newLab(t, ['a', 'b']);
  const [a, b] = lab.hosts as [Host, Host];
  const { writeFileSync } = await import('node:fs');
  writeFileSync(
    `${lab.store}/broken.yaml`,
    'apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: { name: rack }\nspec: { peerIP: 10.9.0.300, asNumber: 0 }\n',
  );
  writeFileSync(`${lab.store}/half.yaml`, 'apiVersion: projectcalico.org/v3\nkind: IPP');
  t.true(await within(5000, async () => (await lab.status(a))?.invalidDocuments.length === 2));
  const { output } = lab.bgpctl(a, 'status');
  t.regex(output, /broken\.yaml/);
  t.regex(output, /10\.9\.0\.300/);
  t.true(lab.routes(a).includes(b.block));
});
