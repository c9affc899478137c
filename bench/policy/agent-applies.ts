/**
 * From an apply to enforced, as a user sees it: the clock starts when the request goes to the agent's control socket, and stops when the first
 * packet arrives that the change lets through. A stream of datagrams, one a millisecond, has been denied until then: it tells to a millisecond
 * when the kernel judges by the new rule, whatever the agent says, without reading the kernel's tables, which would take the agent's time
 * and the tables' lock. What `bgpctl` itself takes to start is not in it.
 *
 * Changes come at irregular pauses, so that they meet the agent's reading back as often as it reads.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Implementation } from '../../linux/iptables-choice.js';
import { percentile } from '../figures/quantiles.js';
import { addressOf, ENDPOINTS, POLICIES, PROBE_PORTS, policy } from './agent-documents.js';
import { AgentHost } from './agent-host.js';
import { monotonicMs } from './monotonic.js';
import type { ProbeAnswer, ProbeCommand } from './probe-process.js';
import { type Remote, startRemote } from './remote.js';
import type { LineSample } from './side-by-side.js';

type Probe = Remote<ProbeCommand, ProbeAnswer>;

const CHANGES = 200;
/** Of the process that has just started: it is one that runs for months. */
const WARM_UP = 20;
const LONGEST_MS = 10_000;
/** For the stream to begin before the change does. */
const LEAD_MS = 20;
/** 50 to 250 ms; primes, so that no beat is kept. */
const pauseMs = (i: number) => 50 + ((i * 7919) % 199);

interface Times {
  readonly answerMs: number;
  readonly enforcedMs: number;
}

export async function* measureApplies(
  backend: Implementation,
  profile: readonly string[],
): AsyncGenerator<LineSample> {
  const host = await AgentHost.open(backend, profile);
  const { env } = host.places;
  const from: Probe = startRemote('probe-process', { networkNamespace: host.outside, env });
  const to: Probe = startRemote('probe-process', { networkNamespace: host.workloads, env });
  try {
    await to.ask({ kind: 'listen', ports: PROBE_PORTS });
    const times: Times[] = [];
    for (let i = 0; i < WARM_UP + CHANGES; i++) {
      times.push(await change(host, from, to, i));
      await sleep(pauseMs(i));
    }
    const measured = times.slice(WARM_UP);
    const enforced = measured.map(({ enforcedMs }) => enforcedMs);
    const answered = measured.map(({ answerMs }) => answerMs);
    const sample = {
      answerMs: percentile(answered, 0.5),
      p50Ms: percentile(enforced, 0.5),
      p99Ms: percentile(enforced, 0.99),
      maxMs: Math.max(...enforced),
    };
    yield ['policy', sample];
  } finally {
    await Promise.all([from.stop(), to.stop()]);
    await host.close();
  }
}

/** One policy after the other opens the other port, and to one endpoint of it after the other. @throws where the packet does not come */
async function change(host: AgentHost, from: Probe, to: Probe, i: number): Promise<Times> {
  const number = i % POLICIES;
  const turn = Math.floor(i / POLICIES);
  const endpoint = number + POLICIES * (turn % (ENDPOINTS / POLICIES));
  const port = PROBE_PORTS[(turn + 1) % 2]!;
  await from.ask({ kind: 'send', to: addressOf(endpoint), port, number: i });
  await sleep(LEAD_MS);
  const beganMs = monotonicMs();
  await host.apply(policy(number, port));
  const answerMs = monotonicMs() - beganMs;
  const arrivedMs = await to.ask({ kind: 'await', number: i, timeoutMs: LONGEST_MS });
  await from.ask({ kind: 'rest' });
  if (arrivedMs === undefined) throw new Error(`policy ${number} is not enforced after ${LONGEST_MS} ms`);
  if (arrivedMs < beganMs) throw new Error(`policy ${number} let its probe through before it was changed`);
  return { answerMs, enforcedMs: arrivedMs - beganMs };
}
