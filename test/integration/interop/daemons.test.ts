/** Real BIRD 2, FRR and GoBGP as peers: sessions inside an AS and between two, 4-octet AS numbers, routes, withdrawals, loss and return. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadDaemons } from '../../../bench/daemons/programs.js';
import { bird2 } from '../../../bench/side-by-side/bird2.js';
import type { Contender, RunningContender } from '../../../bench/side-by-side/contender.js';
import { frr } from '../../../bench/side-by-side/frr.js';
import { gobgp } from '../../../bench/side-by-side/gobgp.js';
import { createSpeaker, type Peer, type Speaker } from '../../../bgp/index.js';
import { NetTransport } from '../../../bgp/speaker/net-transport.js';
import { insideNamespace } from '../../../linux/namespace.js';
import { openDial, openListener, setTtlFor } from '../../../linux/tcp-options.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';

const DAEMON = '10.88.0.1';
const OURS = '10.88.0.2';
const PATIENCE_MS = 40_000;

/** The speaker's sockets in another network namespace than the tests. */
function transportIn(namespace: NetworkNamespace): NetTransport {
  return new NetTransport({
    openDial: target => insideNamespace(namespace.path, () => openDial(target)),
    openListener: (endpoint, backlog) =>
      insideNamespace(namespace.path, () => openListener(endpoint, backlog)),
    setTtl: setTtlFor,
  });
}

interface Session {
  readonly speaker: Speaker;
  readonly peer: Peer;
  readonly daemon: RunningContender;
  readonly restart: () => Promise<RunningContender>;
}

async function newSession(
  t: ExecutionContext,
  contender: Contender,
  asns: { readonly daemon: number; readonly ours: number },
): Promise<Session> {
  const [theirs, ours] = [makeNamespace(t), makeNamespace(t)];
  join(theirs, 'eth0', ours, 'eth0');
  theirs.ip(`address add ${DAEMON}/24 dev eth0`);
  ours.ip(`address add ${OURS}/24 dev eth0`);
  const directory = mkdtempSync(path(tmpdir(), 'mgy-interop-'));
  const start = () =>
    contender.start({
      networkNamespace: theirs.name,
      directory,
      address: DAEMON,
      asn: asns.daemon,
      peers: [{ address: OURS, asn: asns.ours }],
      kernelRoutes: false,
    });
  const daemon = await start();
  let running = daemon;
  const speaker = createSpeaker(
    { asn: asns.ours, routerId: OURS, listen: { address: OURS } },
    { transport: transportIn(ours) },
  );
  t.teardown(async () => {
    await speaker.close();
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const peer = speaker.addPeer({
    address: DAEMON,
    asn: asns.daemon,
    localAddress: OURS,
    connectRetrySeconds: 1,
    import: () => 'accept',
    export: () => 'accept',
  });
  const restart = async () => {
    running = await start();
    return running;
  };
  return { speaker, peer, daemon, restart };
}

const daemons = await loadDaemons();
const contenders = [bird2(daemons), frr(daemons), gobgp(daemons)];
const relations = [
  { name: 'inside an AS', daemon: 64_512, ours: 64_512 },
  { name: 'between two ASes, both above 65535', daemon: 4_200_000_001, ours: 4_200_000_002 },
];

for (const contender of contenders) {
  for (const { name, ...asns } of relations) {
    test.serial(`${contender.name} ${name}: established, routes there and gone, lost and back`, async t => {
      t.timeout(180_000);
      const { speaker, peer, daemon, restart } = await newSession(t, contender, asns);
      for (let i = 0; i < 20; i++) speaker.announce(`10.244.${i}.0/24`, { communities: ['64512:7'] });
      const outcome = await peer.established({ signal: AbortSignal.timeout(PATIENCE_MS) });
      t.is(outcome.kind, 'established', outcome.kind === 'aborted' ? outcome.info : '');
      t.true(peer.status().session?.fourOctetAs);
      t.true(await eventually(async () => (await daemon.countRoutes()) === 20, PATIENCE_MS));
      speaker.withdraw('10.244.7.0/24');
      t.true(await eventually(async () => (await daemon.countRoutes()) === 19, PATIENCE_MS));
      await daemon.stop();
      t.true(await eventually(() => peer.status().state !== 'Established', PATIENCE_MS));
      t.not(peer.status().info, '');
      const back = await restart();
      const again = await peer.established({ signal: AbortSignal.timeout(PATIENCE_MS) });
      t.is(again.kind, 'established', again.kind === 'aborted' ? again.info : '');
      t.true(await eventually(async () => (await back.countRoutes()) === 19, PATIENCE_MS));
      t.is(peer.status().counters.treatedAsWithdraw, 0);
    });
  }
}
