/**
 * A hundred BFD sessions at 300 ms x 3 between two processes, while the main threads compute without end and a full table is streamed into
 * a speaker on the same machine: none of them may be down for a moment. A minute; `MARGAY_BFD_SOAK_SECONDS=600` for longer.
 */
import { execFile, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { startGenerator } from '../../../bench/load/remote.js';
import type { SpeakerProcessSetup } from '../../../bench/speaker-process.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace } from '../../support/network-namespace.js';
import { OurBfd } from '../interop/bfd/our-bfd.js';

const SESSIONS = 100;
const PREFIXES = 1_000_000;
const SECONDS = Number(process.env.MARGAY_BFD_SOAK_SECONDS ?? 60);
const QUIET_MS = 10_000;

function hundredSessions(t: ExecutionContext) {
  const [left, right] = [makeNamespace(t), makeNamespace(t)];
  join(left, 'eth0', right, 'eth0');
  const hosts = Array.from({ length: SESSIONS }, (_, i) => i + 1);
  left.ipBatch(['address add 10.88.1.0/16 dev eth0']);
  right.ipBatch(hosts.map(i => `address add 10.88.2.${i}/16 dev eth0`));
  const directory = '/';
  const ends = {
    left: new OurBfd({ networkNamespace: left.name, directory }),
    right: new OurBfd({ networkNamespace: right.name, directory }),
  };
  t.teardown(() => Promise.all([ends.left.kill(), ends.right.kill()]));
  const one = '10.88.1.0' as IpAddress;
  for (const i of hosts) {
    const other = `10.88.2.${i}` as IpAddress;
    ends.left.set({ address: other, localAddress: one });
    ends.right.set({ key: other, address: one, localAddress: other });
  }
  return { ...ends, namespaces: { left, right } };
}

async function allUp(end: OurBfd): Promise<boolean> {
  const { sessions } = await end.view();
  return sessions.length === SESSIONS && sessions.every(({ state, polling }) => state === 'Up' && !polling);
}

async function flapsOf(end: OurBfd): Promise<number> {
  return (await end.view()).sessions.reduce((sum, { flaps }) => sum + flaps, 0);
}

test.serial('100 BFD sessions cost little, and a flood of strangers costs little more', async t => {
  t.timeout(120_000);
  const { left, right, namespaces } = hundredSessions(t);
  t.true(
    (await eventually(() => allUp(left), 60_000, 200)) && (await eventually(() => allUp(right), 60_000, 200)),
  );
  const percent = async () => {
    const from = [performance.now(), await left.cpuMs()] as const;
    await sleep(QUIET_MS);
    return (100 * ((await left.cpuMs()) - from[1])) / (performance.now() - from[0]);
  };
  const quiet = await percent();
  // As many as one process can send, in the name of an address that is no peer's.
  const flood = namespaces.right;
  flood.ip('address add 10.88.3.1/16 dev eth0');
  const script = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.bind(0, '10.88.3.1', () => {
      socket.setTTL(255);
      const end = Date.now() + ${QUIET_MS};
      let sent = 0;
      const more = () => {
        for (let i = 0; i < 100; i++) socket.send(Buffer.alloc(24), 3784, '10.88.1.0', () => sent++);
        if (Date.now() < end) setImmediate(more);
        else socket.close(() => process.stdout.write(String(sent)));
      };
      more();
    });`;
  const command = ['netns', 'exec', flood.name, process.execPath, '-e', script];
  const flooding = promisify(execFile)('ip', command);
  const flooded = await percent();
  const sent = Number((await flooding).stdout);
  const { discarded } = await left.view();
  t.log(
    `${quiet.toFixed(1)} % of a core, ${flooded.toFixed(1)} % under ${sent} packets of a stranger; ${JSON.stringify(discarded)}`,
  );
  t.true(quiet < 15, `${quiet} %`);
  t.true(sent > 10_000 && discarded.unseen > sent / 2, `${sent} sent, ${JSON.stringify(discarded)}`);
  t.true(flooded < quiet + 10, `${flooded} %`);
  t.is((await flapsOf(left)) + (await flapsOf(right)), 0);
});

test.serial(`100 BFD sessions stay up for ${SECONDS} s under full load`, async t => {
  t.timeout((SECONDS + 120) * 1000);
  const { left, right } = hundredSessions(t);
  t.true(
    (await eventually(() => allUp(left), 60_000, 200)) && (await eventually(() => allUp(right), 60_000, 200)),
  );
  const net = `127.${128 + ((process.pid >> 8) & 63)}.${process.pid & 255}`;
  const setup: SpeakerProcessSetup = {
    thread: 'worker',
    address: `${net}.1`,
    port: 11_790,
    asn: 64_512,
    holdTimeSeconds: 90,
    peers: [{ address: `${net}.2`, asn: 64_700, exports: false }],
  };
  const speaker = fork(fileURLToPath(new URL('../../../bench/speaker-process.js', import.meta.url)), [
    JSON.stringify(setup),
  ]);
  const load = startGenerator(undefined);
  t.teardown(async () => {
    await load.stop();
    speaker.kill('SIGKILL');
  });
  await load.connect({
    remoteAddress: setup.address,
    remotePort: setup.port,
    remoteAsn: setup.asn,
    holdTimeSeconds: 90,
    sinks: [],
    prefixesPerUpdate: 1000,
    attributeSets: 4,
    sources: [{ localAddress: `${net}.2`, asn: 64_700 }],
    prefixes: PREFIXES,
  });
  let tables = 0;
  for (const end of [left, right]) end.send({ kind: 'busy', ms: SECONDS * 1000 });
  for (const until = performance.now() + SECONDS * 1000; performance.now() < until; tables++) {
    await load.execute({ kind: 'announce', timeoutSeconds: 60 }, 'announced');
    await load.execute({ kind: 'withdraw', timeoutSeconds: 60 }, 'withdrawn');
  }
  t.log(`${tables} tables of ${PREFIXES} prefixes`);
  t.true(tables > 0);
  t.is((await flapsOf(left)) + (await flapsOf(right)), 0);
  t.true((await allUp(left)) && (await allUp(right)));
});

test.serial('a BFD thread that is stopped for a while takes nobody for lost when it goes on', async t => {
  const { left, right } = hundredSessions(t);
  t.true(
    (await eventually(() => allUp(left), 60_000, 200)) && (await eventually(() => allUp(right), 60_000, 200)),
  );
  // Longer than its own detection time; the other end has been told to be patient.
  for (let i = 1; i <= SESSIONS; i++) {
    left.set({
      address: `10.88.2.${i}` as IpAddress,
      localAddress: '10.88.1.0' as IpAddress,
      multiplier: 50,
    });
  }
  t.true(
    await eventually(
      async () => (await right.view()).sessions.every(({ detectionTimeMs }) => detectionTimeMs === 15_000),
      10_000,
      100,
    ),
  );
  left.stopFor(3000);
  await sleep(3500);
  t.true(await eventually(() => allUp(left), 5000, 100));
  t.is((await flapsOf(left)) + (await flapsOf(right)), 0);
});
