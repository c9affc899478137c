/**
 * Nothing that the agent computes may delay a KEEPALIVE: hold time 3 s, keepalive 1 s on 20 peers, four million prefixes streamed in by one
 * more, and the main thread blocked for five seconds. The silence is measured by the receivers, in a process of their own.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { LoadPlan } from '../../../bench/load/plan.js';
import { startGenerator } from '../../../bench/load/remote.js';
import type {
  SpeakerProcessAnswer,
  SpeakerProcessCommand,
  SpeakerProcessSetup,
} from '../../../bench/speaker-process.js';

const PROCESS_FILE = fileURLToPath(new URL('../../../bench/speaker-process.js', import.meta.url));
const PEERS = 20;
const PREFIXES = 4_000_000;
/** A fake clock has no part in this: what the wire must never exceed. */
const LONGEST_SILENCE_MS = 1300;

test(`20 peers never wait longer than ${LONGEST_SILENCE_MS} ms under load with the main thread blocked`, async t => {
  t.timeout(120_000);
  // A network of its own on loopback, so that two runs can go on beside each other.
  const net = `127.${64 + ((process.pid >> 8) & 63)}.${process.pid & 255}`;
  const port = 11_790;
  const receivers = Array.from({ length: PEERS }, (_, i) => ({
    localAddress: `${net}.${10 + i}`,
    asn: 64_600 + i,
  }));
  const feeder = { localAddress: `${net}.200`, asn: 64_700 };
  const setup: SpeakerProcessSetup = {
    thread: 'worker',
    address: `${net}.1`,
    port,
    asn: 64_512,
    holdTimeSeconds: 3,
    peers: [...receivers, feeder].map(({ localAddress, asn }) => ({
      address: localAddress,
      asn,
      exports: false,
    })),
  };
  const speaker = fork(PROCESS_FILE, [JSON.stringify(setup)]);
  const [quiet, loud] = [startGenerator(undefined), startGenerator(undefined)];
  t.teardown(async () => {
    await Promise.all([quiet.stop(), loud.stop()]);
    speaker.kill('SIGKILL');
  });
  const plan: Omit<LoadPlan, 'sources' | 'prefixes'> = {
    remoteAddress: setup.address,
    remotePort: port,
    remoteAsn: setup.asn,
    holdTimeSeconds: 3,
    sinks: [],
    prefixesPerUpdate: 1000,
    attributeSets: 4,
  };
  await quiet.connect({ ...plan, sources: receivers, prefixes: 1 });
  await loud.connect({ ...plan, sources: [feeder], prefixes: PREFIXES });
  await quiet.execute({ kind: 'reset-gaps' }, 'gaps-reset');
  const ask = (command: SpeakerProcessCommand) =>
    new Promise<SpeakerProcessAnswer>(resolve => {
      speaker.once('message', resolve as (message: unknown) => void);
      speaker.send(command);
    });
  const blocked = ask({ kind: 'block-main-thread', seconds: 5 });
  await loud.execute({ kind: 'announce', timeoutSeconds: 60 }, 'announced');
  await blocked;
  const { gaps } = await quiet.execute({ kind: 'report-gaps' }, 'gaps');
  const { routes } = await ask({ kind: 'count-routes' });
  t.is(routes, PREFIXES);
  t.is(gaps.sessionsUp, PEERS);
  const longest = Math.max(...gaps.longestMs);
  t.log(`longest silence ${Math.round(longest)} ms, the receivers' own lag ${Math.round(gaps.ownLagMs)} ms`);
  t.true(longest - gaps.ownLagMs <= LONGEST_SILENCE_MS, `${longest} ms`);
});
