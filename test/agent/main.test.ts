/** The command line of the agent as a person meets it: the launcher in a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { skip } from '../support/skip.js';

const launcher = fileURLToPath(new URL('../../../bin/margay-agent', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mgy-agent-main-'));
const NOBODY = 65534;

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function agent(
  words: readonly string[],
  options: { readonly uid?: number; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  const { uid, environment } = options;
  return new Promise(resolve => {
    const child = spawn(process.execPath, [launcher, ...words], {
      cwd: '/',
      // What is said must not depend on the language of the terminal.
      env: { PATH: process.env.PATH, LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', ...environment },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => (stdout += chunk));
    child.stderr.on('data', chunk => (stderr += chunk));
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
}

for (const [words, pattern] of [
  ['--dataplan none', /--dataplan; did you mean --dataplane\?/],
  ['--nodename=a --chek', /--nodename; did you mean --node-name\?[\s\S]*--chek; did you mean --check\?/],
  ['-dataplane none', /-dataplane; did you mean --dataplane\?/],
  ['--frobnicate', /no flag --frobnicate\n/],
  ['cleanp', /did you mean cleanup\?/],
  ['frobnicate', /the commands are cleanup/],
  ['cleanup all', /all is one word too many/],
  ['--dataplane', /--dataplane needs a value/],
  ['--store-directory /a --store-directory /b', /--store-directory is given twice/],
  ['--config /nonexistent/agent.yaml', /\/nonexistent\/agent\.yaml: there is no such file/],
  ['--config /', /\/: /],
] as const) {
  test(`margay-agent ${words} is refused with what would be right`, async t => {
    const { code, stdout, stderr } = await agent(words.split(' '));
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, pattern);
    t.notRegex(stderr, /\n\s+at /);
  });
}

test('help and version are no errors; help names every flag', async t => {
  const help = await agent(['--help']);
  t.is(help.code, 0);
  for (const word of ['cleanup', '--config', '--check', '--dataplane', '--stale-time']) {
    t.true(help.stdout.includes(word), word);
  }
  const version = await agent(['--version']);
  t.is(version.code, 0);
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test('--check says everything that is wrong at once, each with its place', async t => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'dataplane: freebsd\nroutes: { metrc: 3 }\nbgp: { staleTimeSeconds: soon }\n');
  const words = ['--check', '--config', file, '--control-socket', 'here'];
  const { code, stdout, stderr } = await agent(words, { environment: { MARGAY_RESTART_TIME: '9999' } });
  t.is(code, 2);
  t.is(stdout, '');
  t.deepEqual(stderr.trimEnd().split('\n').sort(), [
    `margay-agent: --control-socket: "here" is not an absolute path of at most 107 bytes`,
    `margay-agent: ${file}: bgp.staleTimeSeconds: "soon" is not a whole number from 1 to 86400`,
    `margay-agent: ${file}: dataplane: "freebsd" is not linux or none`,
    `margay-agent: ${file}: routes.metrc: no such key: did you mean routes.metric?`,
    'margay-agent: MARGAY_RESTART_TIME: "9999" is not a whole number from 0 to 4095',
  ]);
});

test('--check reads the files that a Redis needs', async t => {
  const empty = join(folder, 'empty-password');
  writeFileSync(empty, '\n');
  for (const [flag, file, said] of [
    ['--redis-password-file', join(folder, 'nowhere'), /^margay-agent: store\.redis\.passwordFile: ENOENT/],
    ['--redis-password-file', empty, /passwordFile: .*empty-password has no password in its first line/],
    ['--redis-ca-file', join(folder, 'nowhere'), /store\.redis\.caFile: ENOENT/],
    ['--redis-ca-file', empty, /store\.redis\.caFile: .*empty-password is not a certificate in PEM \(/],
  ] as const) {
    const words = ['--check', '--redis-nodes', '10.0.0.5:6379', '--redis-tls', 'true', flag, file];
    const { code, stderr } = await agent(words);
    t.is(code, 2);
    t.regex(stderr, said);
  }
});

test('--check says all that is wrong with those files, and whether a key is that of its certificate', async t => {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  writeFileSync(certificate, CERTIFICATE);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const check = (...flags: string[]) =>
    agent(['--check', '--redis-nodes', '10.0.0.5:6379', '--redis-tls', 'true', ...flags]);
  const pair = (file: string, keyFile: string) => [
    ...['--redis-certificate-file', file],
    ...['--redis-key-file', keyFile],
  ];
  const other = await check(...pair(certificate, key), '--redis-password-file', join(folder, 'nowhere'));
  t.is(other.code, 2);
  t.regex(other.stderr, /^margay-agent: store\.redis\.passwordFile: ENOENT/m);
  t.regex(
    other.stderr,
    /^margay-agent: store\.redis\.keyFile: .*key\.pem is not the key of store\.redis\.certificateFile/m,
  );
  const swapped = await check(...pair(key, certificate));
  t.regex(swapped.stderr, /certificateFile: .*key\.pem is not a certificate in PEM/);
  t.regex(swapped.stderr, /keyFile: .*certificate\.pem is not a private key in PEM/);
});

test('--check of what is fine ends with 0', async t => {
  const file = join(folder, 'fine.yaml');
  writeFileSync(file, 'routes: { metric: 7 }\n');
  const { code, stdout, stderr } = await agent(['--check', '--config', file, '--node-name', 'a']);
  t.is(code, 0, stderr);
  t.is(stdout, 'margay-agent: the configuration is fine\n');
});

for (const words of [[], ['cleanup']]) {
  test(`without root: margay-agent ${words.join(' ')} says so plainly`, async t => {
    const root = process.getuid?.() === 0;
    if (root && spawnSync(process.execPath, ['-e', '0', launcher], { uid: NOBODY }).status !== 0) {
      return skip(t, 'nobody may not run node here');
    }
    if (root && spawnSync('test', ['-r', launcher], { uid: NOBODY }).status !== 0) {
      return skip(t, 'nobody may not read this checkout');
    }
    const { code, stderr } = await agent(
      [...words, '--config', '/dev/null', '--node-name', 'a'],
      root ? { uid: NOBODY } : {},
    );
    t.is(code, 1);
    t.regex(stderr, /^margay-agent: not root: .*CAP_NET_ADMIN/);
    t.is(stderr.trimEnd().split('\n').length, 1);
  });
}

/** Self-signed; its key is nowhere. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUe+LteUeUGpvPl3HcCBWwo9yJ5g8wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLbWFyZ2F5LXRlc3QwIBcNMjYxMTI2MTYwMDEyWhgPMjEyNjEx
MDIxNjAwMTJaMBYxFDASBgNVBAMMC21hcmdheS10ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAED+ly/oQ69l4kGFCHjtezhcUQBLZg7mqbx5LKTB1HPj414C6s
wbsiWoY7lspm+ERKEl1NAvELXMrGYla87imImKNTMFEwHQYDVR0OBBYEFINNkYHY
n6mU0M7mw/nMq7qFW8HpMB8GA1UdIwQYMBaAFINNkYHYn6mU0M7mw/nMq7qFW8Hp
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAI+eh3gG1DSQUrJ2
xmewTfzTwb053MydzLl5vBNK9+NZAiBqOHE4BZUj9FOJWTysUmdslb0WX5OTgSuU
YK+wL8yTbQ==
-----END CERTIFICATE-----
`;
