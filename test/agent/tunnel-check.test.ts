import test from 'ava';
import { Cluster } from '../../agent/cluster.js';
import { ControlFailure } from '../../agent/control/backend.js';
import type { TunnelCheckView } from '../../agent/control/types.js';
import { type CheckedAgent, checkTunnels } from '../../agent/tunnel-check.js';
import type { Ipv4Address } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import {
  type IPPoolResource,
  MARGAY_API,
  type NodeResource,
  type NodeStatusResource,
  type Resource,
} from '../../core/resources/resource.js';
import type { Outcome, Probe, Prober } from '../../ipip/check/probe.js';
import { block, node, pool } from './documents.js';

const answered = { kind: 'answered', rttMs: 0.25 } as const;
const silent = { kind: 'silent' } as const;

function host(number: number): Resource[] {
  const name = `host-${String(number).padStart(3, '0')}`;
  const plain = node(name, `10.9.0.${number}/24`);
  const bgp = { ...plain.spec.bgp, ipv4IPIPTunnelAddr: `10.244.${number}.0` as Ipv4Address };
  const ofHost: NodeResource = {
    ...plain,
    spec: { bgp, vxlanTunnelMACAddr: `02:00:00:00:00:${String(number % 100).padStart(2, '0')}` },
  };
  const status: NodeStatusResource = {
    apiVersion: MARGAY_API,
    kind: 'NodeStatus',
    metadata: { name, labels: {}, annotations: {} },
    spec: { version: '1', receives: [{ tunnel: 'ipip', state: 'Ready' }], sends: [] },
  };
  return [ofHost, status, block(name, `10.244.${number}.0/24`)];
}

const plainPool = pool('pods', '10.244.0.0/16');
const pods: IPPoolResource = { ...plainPool, spec: { ...plainPool.spec, ipipMode: 'Always' } };

/** Of host-001, in a cluster of so many. */
function checkedAgent(hosts: number, prober: Prober, more: Partial<CheckedAgent> = {}): CheckedAgent {
  const cluster = new Cluster({
    nodeName: 'host-001',
    gracefulRestart: {
      restartTimeSeconds: 120,
      staleTimeSeconds: 120,
      selectionDeferralSeconds: 120,
      forwardingPreserved: [],
    },
    restarting: false,
  });
  const documents = [pods, ...Array.from({ length: hosts }, (_, i) => host(i + 1)).flat()];
  for (const resource of documents) cluster.onChange({ kind: 'changed', resource });
  const { intent } = cluster.flush();
  const environment = {
    ...intent!,
    connected: new Map(),
    tunnelSources: { ipv4: '10.244.1.0' as Ipv4Address, ipv6: undefined },
    tunnels: new Map([['ipip', { kind: 'open', ifindex: 7, mtu: 1480 }]] as const),
    remoteHosts: new Map(),
    metric: 1024,
    resolve: () => ({ kind: 'unreachable' }) as const,
    workloads: new Map(),
  };
  const surroundings = {
    environment,
    addresses: { ipv4: '10.9.0.1' as Ipv4Address, ipv6: undefined },
    underlayMtus: { ipv4: 1500, ipv6: undefined },
  };
  const dataplane = { surroundings, routeProblem: (): string | undefined => undefined };
  return { cluster, dataplane, options: { nodeName: 'host-001', tunnels: { prober } }, ...more };
}

const prober = (answer: (probe: Probe) => Outcome): Prober => ({ probe: async probe => answer(probe) });

async function views(agent: CheckedAgent, name?: string): Promise<TunnelCheckView[]> {
  const all: TunnelCheckView[] = [];
  for await (const view of checkTunnels(agent, name, new AbortController().signal)) all.push(view);
  return all;
}

test('a line for every other host, in the order of their names, with everything that was found', async t => {
  const all = await views(
    checkedAgent(
      3,
      prober(({ bytes }) => (bytes > 1400 ? silent : answered)),
    ),
  );
  t.deepEqual(
    all.map(view => view.node),
    ['host-002', 'host-003'],
  );
  const { words, ...facts } = all[0]!;
  t.deepEqual(facts, {
    node: 'host-002',
    address: '10.9.0.2',
    mode: 'ipip',
    from: '10.244.1.0',
    to: '10.244.2.0',
    underlay: 'answered',
    outward: 'answered',
    small: 'answered',
    full: 'silent',
    fullBytes: 1480,
    largestBytes: 1400,
    rttMs: 0.25,
    finding: 'mtu-black-hole',
  });
  t.true(words.length > 0);
});

test('what was not probed says so', async t => {
  const agent = checkedAgent(
    2,
    prober(() => answered),
  );
  const dataplane = { ...agent.dataplane!, routeProblem: (destination: Prefix) => `none to ${destination}` };
  const [view] = await views({ ...agent, dataplane });
  t.like(view, {
    underlay: 'answered',
    small: 'not-probed',
    full: 'not-probed',
    outward: 'not-probed',
    from: null,
    fullBytes: null,
    rttMs: null,
    finding: 'no-route',
    words: 'none to 10.244.2.0/24',
  });
});

test('one host by its name; any other name is refused with those that are', async t => {
  const agent = checkedAgent(
    4,
    prober(() => answered),
  );
  t.deepEqual(
    (await views(agent, 'host-003')).map(view => view.node),
    ['host-003'],
  );
  for (const name of ['host-009', 'host-001']) {
    const failure = await t.throwsAsync(views(agent, name), { instanceOf: ControlFailure });
    t.is(failure?.status, 404);
    t.like(failure?.problem, { field: 'node', value: name, allowed: 'host-002, host-003, host-004' });
  }
});

test('nothing can be checked without a dataplane, without an address, without ping', async t => {
  const fine = prober(() => answered);
  const status = async (agent: CheckedAgent) =>
    (await t.throwsAsync(views(agent), { instanceOf: ControlFailure }))?.status;
  t.is(await status(checkedAgent(2, fine, { dataplane: undefined })), 409);
  t.is(await status(checkedAgent(2, fine, { options: { nodeName: 'host-001' } })), 409);
  const nowhere = { surroundings: undefined, routeProblem: () => undefined };
  t.is(await status(checkedAgent(2, fine, { dataplane: nowhere })), 503);
  const none: Prober = {
    probe: async () => {
      throw new Error('there is no command "ping"');
    },
  };
  t.is(await status(checkedAgent(2, none)), 503);
});

/** Time that probes take, in seconds: by a clock that stands still while anything can be done. */
function timedProber(outcome: (probe: Probe) => Outcome) {
  let now = 0;
  let running = 0;
  let most = 0;
  const waiting: { at: number; resolve: () => void }[] = [];
  const advance = () => {
    waiting.sort((a, b) => a.at - b.at);
    const next = waiting.shift();
    if (next === undefined) return;
    now = next.at;
    next.resolve();
    setImmediate(advance);
  };
  const timed: Prober = {
    probe: async probe => {
      const result = outcome(probe);
      if (waiting.length === 0) setImmediate(advance);
      most = Math.max(most, ++running);
      const seconds = result.kind === 'answered' ? 0.001 : probe.patienceSeconds;
      await new Promise<void>(resolve => waiting.push({ at: now + seconds, resolve }));
      running--;
      return result;
    },
  };
  return { timed, elapsed: () => now, most: () => most };
}

test('a hundred hosts take a minute at most, a hundred pings at a time, whatever is wrong with them', async t => {
  for (const [what, outcome, seconds] of [
    ['fine', () => answered, 1],
    ['dead', () => silent, 10],
    ['all of them black holes', ({ bytes }: Probe) => (bytes <= 85 ? answered : silent), 60],
  ] as const) {
    const { timed, elapsed, most } = timedProber(outcome);
    t.is((await views(checkedAgent(101, timed))).length, 100);
    t.log(`${what}: ${elapsed().toFixed(1)} s, ${most()} at once`);
    t.true(elapsed() <= seconds);
    t.true(most() <= 100);
  }
});

test('a check that is ended tells nothing more, and its probes know', async t => {
  const ending = new AbortController();
  const ended: boolean[] = [];
  const hanging: Prober = {
    probe: (_, signal) =>
      new Promise(resolve =>
        signal.addEventListener('abort', () => {
          ended.push(true);
          resolve(silent);
        }),
      ),
  };
  const results = checkTunnels(checkedAgent(3, hanging), undefined, ending.signal);
  const first = results.next();
  await new Promise(resolve => setImmediate(resolve));
  ending.abort();
  t.is((await first).done, true);
  t.is(ended.length, 8);
});

test('a reader that stops reading ends the probes, too', async t => {
  let ended = 0;
  const slow: Prober = {
    probe: ({ to }, signal) =>
      to.endsWith('.2') || to === '10.244.2.0'
        ? Promise.resolve(answered)
        : new Promise(resolve =>
            signal.addEventListener('abort', () => {
              ended++;
              resolve(silent);
            }),
          ),
  };
  const results = checkTunnels(checkedAgent(3, slow), undefined, new AbortController().signal);
  t.is((await results.next()).value?.node, 'host-002');
  await results.return(undefined);
  t.is(ended, 4);
});
