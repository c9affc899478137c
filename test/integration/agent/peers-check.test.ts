/** `bgpctl peers --check` against real agents, as a script would call it. */
import test from 'ava';
import { eventually } from '../../support/eventually.js';
import { LoopbackAgents } from './loopback-agents.js';

test('exit 0 with an established peer, 1 with one that is down, 3 with no agent', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  const nobody = await agents.bgpctl('a', 'peers', '--check');
  t.is(nobody.code, 3);
  t.regex(nobody.stderr, /systemctl start margay-agent/);

  void agents.start('a', 2);
  void agents.start('b', 3);
  t.true(await eventually(async () => (await agents.established('a')) && agents.established('b'), 20_000));
  const up = await agents.bgpctl('a', 'peers', '--check');
  t.is(up.code, 0, up.stdout + up.stderr);
  t.regex(up.stdout, /127\.0\.0\.3 .*Established/);
  t.is((await agents.bgpctl('a', 'peers', 'b', '--check')).code, 0);

  await agents.end('b');
  t.true(await eventually(async () => !(await agents.established('a')), 10_000));
  const down = await agents.bgpctl('a', 'peers', '--check');
  t.is(down.code, 1, down.stdout + down.stderr);
  t.notRegex(down.stdout, /Established/);
  t.is((await agents.bgpctl('a', 'peers', '127.0.0.3', '--check')).code, 1);

  await agents.end('a');
  t.is((await agents.bgpctl('a', 'peers', '--check')).code, 3);
});

test('an agent without any peer has none that is down', async t => {
  const agents = await LoopbackAgents.create(t);
  void agents.start('a', 2);
  t.true(await eventually(async () => (await agents.status('a'))?.store.state === 'in-sync', 20_000));
  t.is((await agents.bgpctl('a', 'peers', '--check')).code, 0);
});

test('a session switched off by hand is a finding, switched on again it is none', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  void agents.start('a', 2);
  void agents.start('b', 3);
  t.true(await eventually(() => agents.established('a'), 20_000));
  t.is((await agents.bgpctl('a', 'disable', 'b')).code, 0);
  t.true(await eventually(async () => (await agents.bgpctl('a', 'peers', '--check')).code === 1, 10_000));
  t.is((await agents.bgpctl('a', 'enable', 'b')).code, 0);
  t.true(await eventually(async () => (await agents.bgpctl('a', 'peers', '--check')).code === 0, 20_000));
});
