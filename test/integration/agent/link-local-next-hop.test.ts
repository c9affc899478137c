/** What an agent tells of its interface's link-local address as a next hop (RFC 2545 section 3), from the kernel's word to the peer. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { apiOf, type ResourceKind } from '../../../core/resources/resource.js';
import { nodeCommand } from '../../../demo/node-command.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { OurSpeaker } from '../interop/our-speaker.js';

/** From dist/test/integration/agent. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const [node, ...flags] = nodeCommand;
const PATIENCE_MS = 30_000;
const BLOCK = 'fd00:244::/64';

function startAgent(t: ExecutionContext, namespace: NetworkNamespace, directory: string): void {
  const store = path(directory, 'store');
  mkdirSync(store);
  const write = (kind: ResourceKind, name: string, spec: object) => {
    const document = { apiVersion: apiOf(kind), kind, metadata: { name }, spec };
    writeFileSync(path(store, `${kind}-${name}.yaml`), JSON.stringify(document));
  };
  write('BGPConfiguration', 'default', { asNumber: 64512, nodeToNodeMeshEnabled: false });
  write('BGPPeer', 'near', { peerIP: 'fd88::2', asNumber: 65001 });
  write('IPPool', 'six', { cidr: 'fd00:244::/48' });
  write('BlockAffinity', 'a', { node: 'a', cidr: BLOCK, state: 'confirmed' });
  const words = [
    ...['--config', '/dev/null', '--node-name', 'a', '--store-directory', store],
    ...['--ipv4-address', '10.88.0.1/24', '--ipv6-address', 'fd88::1/64'],
    ...['--control-socket', path(directory, 'control.sock'), '--state-directory', path(directory, 'state')],
  ];
  const agent = [node, ...flags, path(root, 'bin/margay-agent'), ...words];
  const child = spawn('ip', ['netns', 'exec', namespace.name, ...agent], { stdio: 'ignore' });
  t.teardown(async () => {
    if (child.exitCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  });
}

test('an agent tells its peer on the link the link-local address that the kernel has, and follows it in one session', async t => {
  t.timeout(120_000);
  const [ours, others] = [makeNamespace(t), makeNamespace(t)];
  join(ours, 'eth0', others, 'eth0');
  ours.ip('address add 10.88.0.1/24 dev eth0');
  ours.ip('address add fd88::1/64 dev eth0 nodad');
  others.ip('address add 10.88.0.2/24 dev eth0');
  others.ip('address add fd88::2/64 dev eth0 nodad');
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const directory = mkdtempSync(path(tmpdir(), `mgy-${run}-link-local-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const peer = new OurSpeaker(
    {
      networkNamespace: others.name,
      directory,
      address: 'fd88::2',
      routerId: '10.88.0.2',
      asn: 65001,
      port: 179,
      peer: { address: 'fd88::1', asn: 64512 },
      dials: true,
      holdTimeSeconds: 90,
      connectRetrySeconds: 1,
      gracefulRestart: false,
      announces: [],
      more: { families: ['ipv6-unicast'], interface: 'eth0' },
      range: undefined,
      process: { clockRate: 1, collides: false },
    },
    'fresh',
  );
  t.teardown(() => peer.kill());
  startAgent(t, ours, directory);
  const nextHop = async () => (await peer.routes()).get(BLOCK)?.nextHop as string | undefined;
  const comesToBe = async (wanted: string) =>
    t.true(
      await eventually(async () => (await nextHop()) === wanted, PATIENCE_MS),
      `${wanted}, is ${await nextHop()}`,
    );

  const [given] = /fe80::[\da-f:]+/.exec(ours.ip('-6 -o address show dev eth0 scope link')) ?? [];
  t.truthy(given);
  await comesToBe(`${given}%eth0`);
  // Where both dial, the first session may be the one that the other end has given up for its own.
  const sessions = async () => (await peer.status()).counters.established;
  const before = await sessions();
  ours.ip('address add fe80::88/64 dev eth0 nodad');
  ours.ip(`address delete ${given}/64 dev eth0`);
  await comesToBe('fe80::88%eth0');
  ours.ip('address delete fe80::88/64 dev eth0');
  await comesToBe('fd88::1');
  t.is(await sessions(), before);
});
