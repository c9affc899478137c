/** A host on which tools are missing, and are installed later: real commands, found or not found in a PATH of its own. */
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { patience } from '../../../demo/patience.js';
import { filterCommands } from '../../../policy/apply/commands.js';
import { chain, filter, rule, smallFilter, table } from '../../policy/apply/filters.js';
import { eventually } from '../../support/eventually.js';
import { skip } from '../../support/skip.js';
import { filterHost } from './filter-host.js';
import { startApplier } from './real-applier.js';

const tools = (command: string) =>
  ['nft', 'legacy'].flatMap(backend => ['', '-save', '-restore'].map(end => `${command}-${backend}${end}`));
const everything = ['cat', 'ipset', 'iptables', ...tools('iptables'), ...tools('ip6tables')];

const paths = (process.env.PATH ?? '').split(':').filter(path => !path.includes('node_modules'));

/** A folder of these commands, what runs commands by it alone, and what installs another. */
function installed(t: ExecutionContext, namespace: string, commands: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-path-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const install = (command: string) => {
    const real = paths.map(path => join(path, command)).find(existsSync);
    symlinkSync(real ?? command, join(folder, command));
  };
  for (const command of commands) install(command);
  const own = [`XTABLES_LOCKFILE=${folder}/lock`, `PATH=${folder}`];
  return { folder, install, prefix: ['ip', 'netns', 'exec', namespace, 'env', ...own] };
}

test('a host without ipset, or with one that cannot speak to the kernel, is filtered; once there is one it heals by itself', async t => {
  const host = filterHost(t, 'nft');
  if (host.lacking !== undefined) return skip(t, host.lacking);
  const { prefix, folder, install } = installed(
    t,
    host.host.name,
    everything.filter(one => one !== 'ipset'),
  );
  const applier = startApplier(t, host.host, { kernel: filterCommands(prefix) });
  const problemOf = (where: string) => applier.status().problems.find(one => one.where === where)?.reason;
  applier.setDesired(smallFilter());
  t.true(await applier.applied(), JSON.stringify(applier.status()));
  t.is(problemOf('sets'), 'ipset is not installed: apt-get install ipset');
  const rulesOf = (name: string) => host.save().match(new RegExp(`^-A ${name} .*$`, 'gm')) ?? [];
  t.regex(rulesOf('mgy-pi-a').join('\n'), /^[^\n]*-j DROP$/);
  t.is(rulesOf('mgy-FORWARD').length, 2);
  t.regex(rulesOf('FORWARD')[0]!, /mgy-FORWARD/);

  const script = '#!/bin/sh\necho "ipset v7.17: Cannot open session to kernel." >&2\nexit 1\n';
  writeFileSync(join(folder, 'ipset'), script, { mode: 0o755 });
  t.true(await eventually(() => /modprobe ip_set/.test(problemOf('sets') ?? ''), 10_000 * patience, 50));
  t.is(rulesOf('mgy-FORWARD').length, 2);

  rmSync(join(folder, 'ipset'));
  install('ipset');
  const beganMs = performance.now();
  t.true(await eventually(() => applier.status().problems.length === 0, 10_000 * patience, 50));
  t.log(`${Math.round(performance.now() - beganMs)} ms from installing ipset to all in force`);
  t.regex(rulesOf('mgy-pi-a').join('\n'), /^[^\n]*--match-set mgy-a src [^\n]*-j ACCEPT$/);
  t.regex(host.run('ipset', 'save', 'mgy-a'), /add mgy-a 10\.0\.0\.1/);
});

for (const [family, lacking] of [
  ['ipv6', 'ip6tables'],
  ['ipv4', 'iptables'],
] as const) {
  test(`a host without ${lacking} is filtered for the other family, and for both once it is installed`, async t => {
    const host = filterHost(t, 'nft');
    if (host.lacking !== undefined) return skip(t, host.lacking);
    const some = everything.filter(one => !tools(lacking).includes(one));
    const { prefix, install } = installed(t, host.host.name, some);
    const applier = startApplier(t, host.host, { kernel: filterCommands(prefix) });
    const six = table(
      [chain('mgy-x', ['-j DROP'])],
      [{ chain: 'FORWARD', place: 'first', rules: [rule('-i calix -j mgy-x')] }],
      'filter',
      'ipv6',
    );
    const { tables, sets } = smallFilter();
    applier.setDesired(filter([...tables, six], sets));
    t.true(await applier.applied(), JSON.stringify(applier.status()));
    t.deepEqual(
      applier.status().problems.map(({ where, reason }) => [where, reason]),
      [[family, `${lacking} is not installed: apt-get install iptables`]],
    );
    const holds = {
      ipv4: () => host.save().includes('-j mgy-FORWARD'),
      ipv6: () => host.run('ip6tables-nft-save').includes('-j mgy-x'),
    };
    t.is(holds.ipv4(), family === 'ipv6');
    t.is(holds.ipv6(), family === 'ipv4');
    for (const command of tools(lacking)) install(command);
    const beganMs = performance.now();
    t.true(await eventually(() => holds.ipv4() && holds.ipv6(), 15_000 * patience, 100));
    t.log(`${Math.round(performance.now() - beganMs)} ms from installing ${lacking} to both in force`);
    t.true(await eventually(() => applier.status().problems.length === 0, 2000));
  });
}
