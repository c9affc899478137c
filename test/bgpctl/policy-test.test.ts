/** `bgpctl policy test` as people run it: what it says of files that are wrong, and its exit codes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const launcher = fileURLToPath(new URL('../../../bin/bgpctl', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'mgy-expectations-'));
test.after.always(() => rmSync(directory, { recursive: true }));

const endpoint = (name: string, number: number) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'WorkloadEndpoint',
  metadata: { name, namespace: 'shop', labels: { app: name } },
  spec: {
    node: 'host-a',
    interfaceName: `cali${number}`,
    ipNetworks: [`10.0.0.${number}/32`],
    profiles: ['projectcalico-default-allow'],
  },
});
const policy = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'NetworkPolicy',
  metadata: { name: 'db', namespace: 'shop' },
  spec: {
    selector: "app == 'db'",
    types: ['Ingress'],
    ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [5432] } }],
  },
};

test.before(() => {
  const text = [endpoint('web', 1), endpoint('db', 2), policy].map(each => JSON.stringify(each));
  writeFileSync(join(directory, 'world.yaml'), text.join('\n---\n'));
  writeFileSync(
    join(directory, 'bad.yaml'),
    JSON.stringify({ ...policy, kind: 'Tier', metadata: { name: 'x' }, spec: { order: 'soon' } }),
  );
});

let files = 0;

function policyTest(
  content: string,
  ...more: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const file = join(directory, `expectations${files++}.yaml`);
  writeFileSync(file, content);
  return new Promise(resolve => {
    const child = spawn(process.execPath, [launcher, 'policy', 'test', file, ...more]);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', chunk => (stdout += chunk));
    child.stderr.on('data', chunk => (stderr += chunk));
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
}

const world = (...expect: readonly object[]) => JSON.stringify([{ manifests: ['world.yaml'], expect }]);
const met = { from: 'shop/web', to: 'shop/db', port: '5432/tcp', verdict: 'allow' };

for (const [name, content, said] of [
  ['an empty file', '', /the document: null is not a list of \{ manifests, expect \}/],
  ['a map', 'a: 1', /the document: \{"a":1\} is not a list of \{ manifests, expect \}/],
  ['no YAML', '[ {', /expectations\d+\.yaml: .*at line/],
  ['an alias of itself', '&a [*a]', /expectations\d+\.yaml: .*circular/],
  ['nothing in its list', '- null', /\[0\]: null is not \{ manifests, expect \}/],
  [
    'no expectations',
    '- manifests: [world.yaml]',
    /\[0\]\.expect is missing: a list of at least one expectation/,
  ],
  [
    'a field that is none',
    '[{ manifests: [world.yaml], expects: [] }]',
    /\[0\]\.expects: \[\] is not a field here, which are manifests, expect/,
  ],
  ['an expectation that is none', world([5]), /\[0\]\.expect\[0\]: \[5\] is not an expectation: \{ from, to/],
  [
    'a port that is none',
    world(met, { ...met, port: '70000/tcp' }),
    /\[0\]\.expect\[1\]\.port: "70000\/tcp" is not a port and its protocol, such as 5432\/tcp/,
  ],
  ['a port without protocol', world({ ...met, port: 80 }), /expect\[0\]\.port: 80 is not a port and/],
  ['a verdict that is none', world({ ...met, verdict: 'maybe' }), /verdict: "maybe" is not allow or deny/],
  [
    'an ICMP type that is none',
    world({ ...met, port: undefined, icmp: 300 }),
    /icmp: 300 is not an ICMP type/,
  ],
  [
    'both port and ICMP',
    world({ ...met, icmp: 8 }),
    /expect\[0\]: .* is not one with a port or an icmp type/,
  ],
  [
    'an expectation without anything',
    '[{ manifests: [nothere.yaml], expect: [{}] }]',
    /expect\[0\]\.from is missing: an endpoint/,
  ],
  [
    'a manifest that cannot be read',
    JSON.stringify([{ manifests: ['nothere.yaml'], expect: [met] }]),
    /cannot read .*nothere\.yaml: ENOENT/,
  ],
  [
    'a manifest with a wrong field',
    JSON.stringify([{ manifests: ['world.yaml', 'bad.yaml'], expect: [met] }]),
    /bad\.yaml: spec\.order: "soon" is not/,
  ],
] as const) {
  test(`a file with ${name} is refused, and what is wrong is named`, async t => {
    const { code, stdout, stderr } = await policyTest(content);
    t.regex(stderr, said);
    t.is(code, 2);
    t.is(stdout, '');
  });
}

test('what is met is counted, and exits with 0', async t => {
  const { code, stdout } = await policyTest(world(met, { ...met, port: '22/tcp', verdict: 'deny' }));
  t.is(stdout, 'world.yaml: 2 of 2 as expected\n');
  t.is(code, 0);
});

test('what is not met, and what cannot be judged, is told with its way and exits with 1', async t => {
  const missed = { ...met, port: '22/tcp' };
  const senseless = { ...met, to: 'shop/dbb' };
  const { code, stdout } = await policyTest(world(met, missed, senseless));
  t.is(code, 1);
  t.regex(stdout, /^world\.yaml: 1 of 3 as expected\n/);
  t.regex(
    stdout,
    /shop\/web -> shop\/db 22\/tcp: deny, and allow was expected\n[\s\S]*NetworkPolicy\/shop\/db/,
  );
  t.regex(stdout, /shop\/web -> shop\/dbb 5432\/tcp: "shop\/dbb" is neither an address nor a workload/);
});

test('for programs there is JSON of all of them', async t => {
  const { code, stdout } = await policyTest(world(met, { ...met, to: 'nobody' }), '-o', 'json');
  t.is(code, 1);
  const views = JSON.parse(stdout) as object[];
  t.is(views.length, 2);
  t.like(views[0], { from: 'shop/web', result: 'met', verdictFound: 'allow' });
  t.like(views[1], { result: 'senseless' });
});
