/**
 * A reflector with a thousand clients in one process, in a main thread as the agent's `mode: route-reflector` has it: hold time 3 s, half of
 * the clients told everything while routes come and go, the other half told nothing, so that they live by KEEPALIVEs alone. No session may
 * be lost, no silence grow long, no memory be kept. `MARGAY_SOAK_SECONDS` says how long (40):
 *
 *     MARGAY_SOAK_SECONDS=600 npm test -- --stage integration --match '*thousand clients*'
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { GapReport, LoadPlan } from '../../../bench/load/plan.js';
import { startGenerator } from '../../../bench/load/remote.js';
import type {
  SpeakerProcessAnswer,
  SpeakerProcessCommand,
  SpeakerProcessMemory,
  SpeakerProcessSetup,
} from '../../../bench/speaker-process.js';

const PROCESS_FILE = fileURLToPath(new URL('../../../bench/speaker-process.js', import.meta.url));
const SECONDS = Number(process.env.MARGAY_SOAK_SECONDS ?? 40);
const HALF = 500;
const PREFIXES = 10_000;
const EVENTS_PER_SECOND = 200;
const ROUND_SECONDS = 4;
/** As nice values go. */
const FIRST = -15;
/** Of the time, before what is in use is taken for what is needed. */
const WARM_UP_SHARE = 0.25;
/** As with twenty peers (`keepalive-gap.test.ts`). */
const LONGEST_SILENCE_MS = 1300;
/** In the shortest run already less than a leak of 100 octets for each event, or of 10 for each KEEPALIVE. */
const MOST_GROWTH_BYTES = 2 ** 19;
const MOST_RESIDENT_GROWTH_BYTES = 16 * 2 ** 20;

interface Sample extends SpeakerProcessMemory {
  readonly seconds: number;
}

/**
 * Beside other tests a speaker is silent for as long as it gets no CPU, which is not its doing. The kernel divides time among sessions
 * (setsid(2)) first; nice values count only inside of one (sched(7), "The autogroup feature").
 */
function putFirst(pid: number): void {
  // Not there, or switched off: nothing to be put before.
  if (existsSync(`/proc/${pid}/autogroup`)) writeFileSync(`/proc/${pid}/autogroup`, `${FIRST}`);
}

function startSpeaker(t: ExecutionContext, setup: SpeakerProcessSetup) {
  const options = { execArgv: ['--expose-gc'], detached: true };
  const child: ChildProcess = fork(PROCESS_FILE, [JSON.stringify(setup)], options);
  t.teardown(() => void child.kill('SIGKILL'));
  putFirst(child.pid!);
  let answered: ((answer: SpeakerProcessAnswer) => void) | undefined;
  let ended: ((error: Error) => void) | undefined;
  child.on('message', (answer: SpeakerProcessAnswer) => answered?.(answer));
  child.on('exit', code => ended?.(new Error(`the speaker ended with ${code}`)));
  return (command: SpeakerProcessCommand) =>
    new Promise<SpeakerProcessAnswer>((resolve, reject) => {
      [answered, ended] = [resolve, reject];
      child.send(command);
    });
}

function thousandClients() {
  const net = `127.${64 + ((process.pid >> 8) & 63)}`;
  const asn = 64_512;
  const addresses = (third: number) =>
    Array.from({ length: HALF }, (_, i) => `${net}.${third + Math.floor(i / 250)}.${1 + (i % 250)}`);
  const source = { localAddress: `${net}.1.2`, asn };
  const [quiet, told] = [addresses(10), addresses(20)];
  const peersAt = (at: readonly string[]) => at.map(localAddress => ({ localAddress, asn }));
  const setup: SpeakerProcessSetup = {
    thread: 'main',
    address: `${net}.1.1`,
    port: 11_791,
    asn,
    holdTimeSeconds: 3,
    peers: [
      { address: source.localAddress, asn, exports: false, client: true },
      ...quiet.map(address => ({ address, asn, exports: false, client: true })),
      ...told.map(address => ({ address, asn, exports: true, client: true })),
    ],
  };
  const plan: LoadPlan = {
    remoteAddress: setup.address,
    remotePort: setup.port,
    remoteAsn: asn,
    holdTimeSeconds: setup.holdTimeSeconds,
    sources: [source, ...peersAt(quiet)],
    sinks: peersAt(told),
    prefixes: PREFIXES,
    prefixesPerUpdate: 100,
    attributeSets: 20,
  };
  return { setup, plan };
}

/** Least squares: by how much the line through the samples rises from the first to the last. */
function growth(samples: readonly Sample[], of: keyof SpeakerProcessMemory): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(samples.map(({ seconds }) => seconds)), mean(samples.map(sample => sample[of]))];
  let [along, across] = [0, 0];
  for (const sample of samples) {
    along += (sample.seconds - x) ** 2;
    across += (sample.seconds - x) * (sample[of] - y);
  }
  return (across / along) * (samples.at(-1)!.seconds - samples[0]!.seconds);
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MB`;

test(`a thousand clients for ${SECONDS} s: none is lost or left in silence, and memory stays flat`, async t => {
  t.timeout((2 * SECONDS + 120) * 1000);
  const { setup, plan } = thousandClients();
  const ask = startSpeaker(t, setup);
  await ask({ kind: 'count-routes' });
  const clients = startGenerator(undefined, { ownSession: true });
  t.teardown(() => clients.stop());
  putFirst(clients.pid);
  const connectedSeconds = await clients.connect(plan);
  await clients.execute({ kind: 'announce', timeoutSeconds: 60 }, 'announced');

  const begin = performance.now();
  const samples: Sample[] = [];
  const silences: GapReport[] = [];
  let events = 0;
  for (let round = 0; performance.now() - begin < SECONDS * 1000; round++) {
    await clients.execute({ kind: 'reset-gaps' }, 'gaps-reset');
    const { churn } = await clients.execute(
      { kind: 'churn', eventsPerSecond: EVENTS_PER_SECOND, durationSeconds: ROUND_SECONDS },
      'churned',
    );
    events += churn.events;
    // Each of them answers only when every client that is told has all, or nothing.
    if (round % 4 === 3) await clients.execute({ kind: 'withdraw', timeoutSeconds: 60 }, 'withdrawn');
    await clients.execute({ kind: 'announce', timeoutSeconds: 60 }, 'announced');
    silences.push((await clients.execute({ kind: 'report-gaps' }, 'gaps')).gaps);
    const { memory } = await ask({ kind: 'measure-memory' });
    samples.push({ seconds: (performance.now() - begin) / 1000, ...memory! });
  }

  const worst = silences.toSorted(
    (a, b) => Math.max(...b.longestMs) - b.ownLagMs - (Math.max(...a.longestMs) - a.ownLagMs),
  )[0]!;
  const longest = Math.max(...worst.longestMs);
  const warm = samples.filter(({ seconds }) => seconds >= WARM_UP_SHARE * samples.at(-1)!.seconds);
  const [used, resident] = [growth(warm, 'usedBytes'), growth(warm, 'residentBytes')];
  t.log(`up in ${connectedSeconds.toFixed(1)} s; ${events} events in ${silences.length} rounds`);
  t.log(
    `longest silence ${Math.round(longest)} ms, the clients' own lag then ${Math.round(worst.ownLagMs)} ms`,
  );
  t.log(
    `in use ${megabytes(warm[0]!.usedBytes)}, grown by ${megabytes(used)}; resident ` +
      `${megabytes(warm[0]!.residentBytes)}, grown by ${megabytes(resident)}`,
  );
  t.true(warm.length >= 4, `${samples.length} samples`);
  t.true(silences.every(({ sessionsUp }) => sessionsUp === 2 * HALF + 1));
  // The quiet half hears something once a second.
  t.true(silences.every(({ messages }) => messages.slice(1, 1 + HALF).every(count => count > 1)));
  t.true(longest - worst.ownLagMs <= LONGEST_SILENCE_MS, `${longest} ms`);
  t.true(used < MOST_GROWTH_BYTES, `${samples.map(({ usedBytes }) => usedBytes)}`);
  t.true(resident < MOST_RESIDENT_GROWTH_BYTES, `${samples.map(({ residentBytes }) => residentBytes)}`);
  t.is((await ask({ kind: 'count-routes' })).routes, PREFIXES);
});
