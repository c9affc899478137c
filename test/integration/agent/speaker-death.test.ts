/** The speaker's thread dies, or must begin anew: the kernel's routes and the peers' stay as they are. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { logTail, within } from '../../../demo/host-lab.js';
import { type Host, Lab } from '../../../demo/lab.js';
import { nodeCommand } from '../../../demo/node-command.js';
import { watchRoutes } from '../../support/route-watch.js';

const KILLABLE = fileURLToPath(new URL('./killable-agent.js', import.meta.url));
let labs = 0;

interface World {
  readonly lab: Lab;
  readonly a: Host;
  readonly b: Host;
  /** That of host a; SIGUSR2 kills its speaker. */
  readonly agent: ChildProcess;
}

async function newWorld(t: ExecutionContext): Promise<World> {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const lab = new Lab({ runId: `${run}-s${labs++}`, hosts: ['a', 'b'], podsPerHost: 1 });
  t.teardown(() => lab.close());
  const [a, b] = lab.hosts as [Host, Host];
  lab.startAgent(b);
  const words = ['netns', 'exec', a.namespace, ...nodeCommand, KILLABLE, ...lab.agentCommand(a).slice(1)];
  const agent = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  agent.stdout?.pipe(createWriteStream(a.logFile));
  t.teardown(() => agent.kill('SIGKILL'));
  t.true(await within(20_000, () => lab.converged()), logTail(a));
  return { lab, a, b, agent };
}

test('a dead speaker thread is started again and said; no route is touched, no ping lost', async t => {
  t.timeout(120_000);
  const { lab, a, b, agent } = await newWorld(t);
  const changes = [a, b].map(host => watchRoutes(t, host.namespace));
  await sleep(300);
  const pings = lab.pingAll(0.01);
  agent.kill('SIGUSR2');
  t.true(await within(5000, async () => (await lab.status(a))?.speaker.restarts === 1), logTail(a));
  t.true(
    await within(20_000, async () => (await lab.status(a))?.speaker.state === 'running' && lab.converged()),
    logTail(a),
  );
  await sleep(2000);
  const { sent, received } = await pings.stop();
  t.deepEqual(changes, [[], []], logTail(a));
  t.is(received, sent);
  t.true(sent > 100);
  t.regex(lab.bgpctl(a, 'status').output, /restart/);
  // What changes from now on is taken again.
  execFileSync('ip', ['-n', a.namespace, 'route', 'del', b.block]);
  t.true(await within(2000, () => lab.routes(a).includes(b.block)));
});
