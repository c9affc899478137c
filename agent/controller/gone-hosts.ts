/**
 * The controller's task `gone-hosts`: a host that has not renewed its lease for the grace period is deleted as `bgpctl node delete` does it.
 *
 * A mistake here costs a living host its addresses, so much speaks against it: a Node without a lease is nobody's to delete; a host that
 * any living one has a session with lives, though it may not reach the store; and where most hosts seem to be gone it is the store, or
 * whoever looks, that is cut off.
 */
import { goneHostsAfterSeconds } from '../../core/resources/annotations.js';
import { readReport } from '../report/read-report.js';
import { deleteHost } from './host-deletion.js';
import { leaseGuard } from './lease-guard.js';
import { isReplaced, SessionsOfLiving } from './sessions-of-living.js';
import type { ClusterView, ControllerTask, HostView } from './task.js';
import type { TaskContext } from './task-context.js';

/** In a round: what was wrong about it is seen before all are gone. */
const AT_A_TIME = 5;

export class GoneHosts implements ControllerTask {
  readonly name = 'gone-hosts';
  readonly #context: TaskContext;

  constructor(context: TaskContext) {
    this.#context = context;
  }

  async run(view: ClusterView): Promise<void> {
    const graceSeconds = graceOf(view);
    const { gone, problem } = goneHosts(view.hosts, graceSeconds);
    for (const name of gone.slice(0, AT_A_TIME)) await this.#delete(name, graceSeconds!);
    if (problem !== undefined) throw new Error(problem);
  }

  async #delete(node: string, graceSeconds: number): Promise<void> {
    const { store, log, releaseAddresses } = this.#context;
    const stopped = await leaseGuard(store, node);
    const { deleted, problem } = await deleteHost({ store, node, releaseAddresses, stopped });
    log.warn(
      { gone: node, graceSeconds, deleted, problem },
      'a host that is gone was deleted from the cluster',
    );
    if (problem !== undefined) throw new Error(`deleting ${node}: ${problem}`);
  }
}

/** Undefined: never. */
function graceOf(view: ClusterView): number | undefined {
  const document = view.list('BGPConfiguration').find(({ metadata }) => metadata.name === 'default');
  return goneHostsAfterSeconds(document);
}

/** Who is to be deleted, and what keeps others that are silent from it (pure). @param graceSeconds undefined: nobody ever is */
export function goneHosts(
  hosts: ReadonlyMap<string, HostView>,
  graceSeconds: number | undefined,
): { readonly gone: readonly string[]; readonly problem: string | undefined } {
  if (graceSeconds === undefined) return { gone: [], problem: undefined };
  const leased = [...hosts.values()].filter(host => host.leased);
  const silent = leased.filter(({ alive, silentSeconds }) => !alive && silentSeconds >= graceSeconds);
  if (silent.length === 0) return { gone: [], problem: undefined };
  if (silent.length >= MANY && silent.length * 2 > leased.length) {
    const problem = `${silent.length} of ${leased.length} hosts are silent: too many to be gone by themselves. Those that are: bgpctl node delete NODE`;
    return { gone: [], problem };
  }
  const living = leased.filter(({ alive }) => alive);
  const reports = living.flatMap(({ report }) => (report === undefined ? [] : [readReport(report)]));
  const sessions = new SessionsOfLiving(reports);
  const taken = living.flatMap(({ addresses = [] }) => addresses);
  const connected = silent
    .filter(({ name, addresses = [] }) => !isReplaced(addresses, taken) && sessions.withHost(name))
    .map(({ name }) => name);
  const problem =
    connected.length === 0
      ? undefined
      : `${connected.join(', ')}: not renewed for ${graceSeconds} s, and a host has a session with it: it does not reach the store`;
  return { gone: silent.map(({ name }) => name).filter(name => !connected.includes(name)), problem };
}

/** Less than that may well be gone all at a time. */
const MANY = 3;
