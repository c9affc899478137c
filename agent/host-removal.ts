/**
 * SHELL: `bgpctl node delete`: a host deleted by hand. One that lives is left alone, unless that is asked for: then its agent is told by its
 * lease, says goodbye, and stays away until it is started again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { keptAddressesOf } from '../ipam/release-host.js';
import { describeStoreError } from '../store/results.js';
import type { Agent } from './agent.js';
import { ControlFailure } from './control/backend.js';
import type { DeleteHostResult, HostsView, HostView } from './control/types.js';
import { deleteHost } from './controller/host-deletion.js';
import { leaseGuard } from './controller/lease-guard.js';
import { releaseAddressesOf } from './controller/release-addresses.js';
import { isReplaced, SessionsOfLiving } from './controller/sessions-of-living.js';
import { leaseDocument, nodeLeaseName } from './lease/lease-document.js';

/** An agent that reads the store takes notice at once, by its Node. */
const FAREWELL_MS = 15_000;
const LOOK_MS = 200;

export async function removeHost(
  agent: Agent,
  node: string,
  force: boolean,
  farewellMs = FAREWELL_MS,
): Promise<DeleteHostResult> {
  const { store, log } = agent.options;
  const view = await agent.reports.view();
  if (view.storeAway !== null)
    throw new ControlFailure(503, { error: `the store is away: ${view.storeAway.detail}` });
  const host = view.hosts.find(one => one.node === node);
  if (host === undefined && !hasLeftovers(agent, node)) throw noHost(node, view);
  const problem = host === undefined || force ? undefined : refusal(host, view);
  if (problem !== undefined) throw new ControlFailure(409, { error: problem });
  const farewell = host?.life === 'alive' ? await sendOff(agent, node, farewellMs) : 'not-needed';
  const stopped = force ? async () => undefined : await leaseGuard(store, node);
  const { deleted, problem: left } = await deleteHost({
    ...{ store, node, stopped, releaseAddresses: name => releaseAddressesOf(store, name) },
    keepLease: farewell === 'not-heard',
  });
  log.warn({ deleted: node, force, documents: deleted, problem: left }, 'a host was deleted by hand');
  if (left !== undefined)
    throw new ControlFailure(503, { error: `${done(deleted)}, then it stopped: ${left}. Call it again` });
  const total = farewell === 'not-needed' ? deleted : [{ kind: 'Node', count: 1 }, ...deleted];
  const kept = keptRemark(await keptAddressesOf(store, node).catch(() => []));
  return { node, deleted: total, remarks: [...remarks(node, farewell, host), ...kept] };
}

const NAMED = 3;

/** They are of a host that is no more, and nobody collects them. */
function keptRemark(addresses: readonly string[]): readonly string[] {
  const { length } = addresses;
  if (length === 0) return [];
  const names = `${addresses.slice(0, NAMED).join(', ')}${length > NAMED ? ', ...' : ''}`;
  const what =
    length === 1
      ? `1 address stays in use, because somebody keeps it`
      : `${length} addresses stay in use, because somebody keeps them`;
  return [
    `${what}: ${names}. Where nobody needs ${length === 1 ? 'it' : 'one'}: bgpctl ipam release --ip ${addresses[0]}`,
  ];
}

type Farewell = 'not-needed' | 'said' | 'not-heard';

/** Its lease first: when its Node is gone it looks there before it makes another. */
async function sendOff({ options: { store } }: Agent, node: string, farewellMs: number): Promise<Farewell> {
  const id = { kind: 'Lease', name: nodeLeaseName(node) } as const;
  for (;;) {
    const found = await store.get(id);
    if (found.kind === 'error' || found.value.resource.kind !== 'Lease') return 'not-needed';
    const { spec } = found.value.resource;
    const retired = leaseDocument(id.name, { ...spec, renewals: spec.renewals + 1, retired: true });
    const written = await store.update(retired, found.value.revision, { replicated: true });
    if (written.kind === 'ok') break;
    if (written.error.kind !== 'conflict')
      throw new ControlFailure(503, { error: describeStoreError(written.error) });
  }
  await store.delete({ kind: 'Node', name: node });
  for (let waitedMs = 0; waitedMs < farewellMs; waitedMs += LOOK_MS) {
    const found = await store.get(id);
    if (found.kind === 'error' && found.error.kind === 'not-found') return 'said';
    await sleep(LOOK_MS);
  }
  return 'not-heard';
}

function refusal(host: HostView, view: HostsView): string | undefined {
  const { node, life, seenUnixMs } = host;
  const forced = `bgpctl node delete ${node} --force makes its agent say goodbye`;
  if (life === 'alive') {
    const seen = seenUnixMs === null ? '' : `, last ${new Date(seenUnixMs).toISOString()}`;
    return `node ${node} lives: its agent renews its lease${seen}. Stop that agent, and call again when it has been silent for a minute; ${forced}`;
  }
  const living = view.hosts.filter(one => one.life === 'alive' && one.node !== node);
  const taken = living.flatMap(({ addresses }) => addresses);
  if (isReplaced(host.addresses, taken)) return undefined;
  const witnesses = living.filter(
    ({ report }) => report !== null && new SessionsOfLiving([report]).withHost(node),
  );
  if (witnesses.length === 0) return undefined;
  const names = witnesses
    .slice(0, 3)
    .map(one => one.node)
    .join(', ');
  return `node ${node} does not renew its lease, but ${names} ${witnesses.length === 1 ? 'has' : 'have'} a session with it: it lives, and does not reach the store. ${forced}`;
}

/** Documents of a host that has neither Node nor lease. */
function hasLeftovers(agent: Agent, node: string): boolean {
  return [...agent.documents('WorkloadEndpoint'), ...agent.documents('BlockAffinity')].some(
    ({ spec }) => spec.node === node,
  );
}

function noHost(node: string, { hosts }: HostsView): ControlFailure {
  const allowed = hosts
    .slice(0, 10)
    .map(one => one.node)
    .join(', ');
  return new ControlFailure(404, { error: `there is no node ${node}`, field: 'node', value: node, allowed });
}

function remarks(node: string, farewell: Farewell, host: HostView | undefined): readonly string[] {
  switch (farewell) {
    case 'said':
      return [`Its agent has said goodbye and announces nothing. Restarted, it registers anew.`];
    case 'not-heard':
      return [
        `Its agent has not answered. It says goodbye as soon as it reads its lease, which is left for it; until then it may write its Node again.`,
      ];
    case 'not-needed':
      return host?.life === 'no-agent'
        ? [`No agent held the name ${node}: whether such a host lives nobody can tell.`]
        : [];
  }
}

function done(deleted: DeleteHostResult['deleted']): string {
  if (deleted.length === 0) return 'nothing was deleted';
  return `deleted so far: ${deleted.map(({ kind, count }) => `${count} ${kind}`).join(', ')}`;
}
