/** The command line of the UDP data path as a person meets it: the launcher in a process of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { nodeCommand } from '../../../demo/node-command.js';
import { patience } from '../../../demo/patience.js';
import { udpStatePath } from '../../../ipip/udp/state-file.js';
import { skip } from '../../support/skip.js';

/** From dist/test/ipip/udp. */
const launcher = fileURLToPath(new URL('../../../../bin/margay-udp', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mgy-udp-main-'));

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function margayUdp(...words: readonly string[]) {
  const [node, ...flags] = nodeCommand;
  const { status, stdout, stderr } = spawnSync(node, [...flags, launcher, ...words], {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LANG: 'de_DE.UTF-8' },
    timeout: 60_000 * patience,
  });
  return { code: status, stdout, stderr };
}

for (const [words, pattern] of [
  ['--state-directry /a', /--state-directry; did you mean --state-directory\?/],
  ['--dataplane none', /there is no flag --dataplane/],
  ['cleanup', /cleanup is one word too many/],
  ['--state-directory here', /--state-directory: "here" is not an absolute path/],
  ['--log-level loud', /--log-level: "loud" is not debug, info, warn or error/],
  ['--config /nonexistent/agent.yaml', /\/nonexistent\/agent\.yaml: there is no such file/],
] as const) {
  test(`margay-udp ${words} is refused with what would be right`, t => {
    const { code, stdout, stderr } = margayUdp(...words.split(' '));
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, pattern);
    t.notRegex(stderr, /\n\s+at /);
  });
}

test('help and version are no errors; help names every flag, and none that is not its own', t => {
  const help = margayUdp('--help');
  t.is(help.code, 0);
  for (const word of ['--config', '--check', '--state-directory', '--log-level']) {
    t.true(help.stdout.includes(word), word);
  }
  t.false(help.stdout.includes('--dataplane') || help.stdout.includes('[command]'));
  const version = margayUdp('--version');
  t.is(version.code, 0);
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test('--check says what is wrong with what the agent has written, and nothing of settings of others', t => {
  if (!existsSync('/dev/net/tun') || process.getuid?.() !== 0) {
    skip(t, '/dev/net/tun is not on this machine, or not for this user');
    return;
  }
  const config = join(folder, 'agent.yaml');
  writeFileSync(config, `dataplane: freebsd\nstateDirectory: ${folder}\n`);
  const check = () => margayUdp('--check', '--config', config);
  t.deepEqual([check().code, check().stdout.includes('is not there yet')], [0, true]);
  writeFileSync(udpStatePath(folder), '{"version":1,"device":{"name":"margay.udp","mtu":60},"port":0}');
  const wrong = check();
  t.is(wrong.code, 1);
  for (const field of [
    'device.mtu: 60 is not ',
    'port: 0 is not ',
    'local is missing: ',
    'routes is missing: ',
    'knownHosts is missing: ',
  ]) {
    t.true(wrong.stderr.includes(`margay-udp: ${udpStatePath(folder)}: ${field}`), wrong.stderr);
  }
  writeFileSync(udpStatePath(folder), '{"version":1,"device":null}');
  t.deepEqual(check(), { code: 0, stdout: 'margay-udp: all is fine\n', stderr: '' });
});
