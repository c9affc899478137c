/** An agent that finds its BGP port or its control socket taken: it says by whom. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../../support/eventually.js';
import { LoopbackAgents } from './loopback-agents.js';

test('a taken BGP port: the status names who holds it; once it is free the agent takes it', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  const holder = net.createServer().listen(agents.port, '127.0.0.2');
  await new Promise(resolve => holder.once('listening', resolve));
  const running = agents.start('a', 2);
  const errors = async () => (await agents.status('a'))?.speaker.listenErrors ?? [];
  t.true(await eventually(async () => (await errors()).length > 0, 20_000));
  const [said] = await errors();
  t.true(said?.startsWith(`127.0.0.2:${agents.port}: `), said);
  t.true(said?.includes(`(pid ${process.pid})`), said);
  t.true((await agents.bgpctl('a', 'status')).stdout.includes(`pid ${process.pid}`));
  t.is((await agents.bgpctl('a', 'status', '--check')).code, 1);

  await new Promise(resolve => holder.close(resolve));
  t.true(await eventually(async () => (await errors()).length === 0, 15_000));
  t.is((await agents.status('a'))?.speaker.listening[0]?.port, agents.port);
  await agents.end('a');
  t.is((await running).code, 0);
});

test('a taken control socket: the second agent names the first and ends with 1', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  void agents.start('a', 2);
  t.true(await eventually(async () => (await agents.status('a')) !== undefined, 20_000));
  const pid = (await agents.status('a'))?.pid;
  const { code, stderr } = await agents.start('b', 3, { socket: agents.socket('a') });
  t.is(code, 1);
  t.true(stderr.startsWith(`margay-agent: margay-agent with pid ${pid} has the control socket`), stderr);
  t.true(stderr.includes('--control-socket'));
  // The first one has not noticed.
  t.is((await agents.status('a'))?.pid, pid);
});

test('a control socket that cannot be had is said in one line', async t => {
  const agents = await LoopbackAgents.create(t);
  const file = join(agents.directory, 'file');
  writeFileSync(file, 'mine');
  const taken = await agents.start('a', 2, { socket: file });
  t.is(taken.code, 1);
  t.true(taken.stderr.includes(file), taken.stderr);
  t.is(readFileSync(file, 'utf8'), 'mine');
  const below = await agents.start('b', 3, { socket: join(file, 'control.sock') });
  t.is(below.code, 1);
  t.regex(below.stderr, /^margay-agent: control socket: .*\n$/);
});

test("a dead agent's socket is taken over", async t => {
  const agents = await LoopbackAgents.create(t);
  void agents.start('a', 2);
  t.true(await eventually(async () => (await agents.status('a')) !== undefined, 20_000));
  await agents.end('a', 'SIGKILL');
  t.true(existsSync(agents.socket('a')));
  void agents.start('a', 2);
  t.true(await eventually(async () => (await agents.status('a')) !== undefined, 20_000));
});
