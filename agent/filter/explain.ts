/** `bgpctl explain` on the agent's side (pure): a packet's way from end to end by the documents, and its route from this host. */
import type { IpAddress } from '../../core/ip-address.js';
import type { Resource } from '../../core/resources/resource.js';
import type { RouteTaken } from '../../ipip/check/route-taken.js';
import type { Dataplane } from '../../ipip/dataplane.js';
import { reasons, type Step, stepInWords } from '../../policy/evaluate/trace.js';
import { cargoOf } from '../../policy/journey/cargo.js';
import { hostOf, type Journey, type Party, travel } from '../../policy/journey/journey.js';
import { findParty } from '../../policy/journey/party.js';
import { World } from '../../policy/journey/world.js';
import { ControlFailure } from '../control/backend.js';
import type { ExplainQuery, ExplainView, RouteHereView } from '../control/policy-types.js';
import type { HostFilter } from './host-filter.js';

/** What of an agent it needs. */
export interface ExplainingAgent {
  readonly nodeName: string;
  readonly dataplane: Pick<Dataplane, 'ownAddresses' | 'routeTaken'> | undefined;
  /** Undefined: no policy is enforced here. */
  readonly filter: Pick<HostFilter, 'policy' | 'settings' | 'status'> | undefined;
  /** Who told the best route to a prefix, and its next hop. */
  readonly bestRoute: (
    prefix: string,
  ) => Promise<{ readonly from: string; readonly nextHop: string } | undefined>;
}

/** Throws {@link ControlFailure} where there are no such ends, or nobody who judges the packet. */
export async function explain(
  agent: ExplainingAgent,
  documents: readonly Resource[],
  query: ExplainQuery,
): Promise<ExplainView> {
  const { nodeName, dataplane } = agent;
  const addresses = dataplane?.ownAddresses ?? [];
  const world = new World(documents, [{ name: nodeName, addresses, enforced: enforcedHere(agent) }]);
  const [from, to] = [partyOf(world, 'from', query.from), partyOf(world, 'to', query.to)];
  const uplink = (host: string, towards: IpAddress) =>
    (host === nodeName ? dataplane?.routeTaken(towards).legs[0]?.interfaceName : undefined) ?? 'eth0';
  const journey = travel(world, from, to, cargoOf(query, from, to), uplink);
  if (journey === undefined) throw noWay(query, 'have no address of one family that can carry it');
  if (journey.legs.length === 0)
    throw noWay(query, 'are neither workloads nor hosts of the cluster: no host of it judges the packet');
  const { verdict, packet } = journey;
  return {
    from: { name: nameOf(from), host: hostOf(from) ?? null },
    to: { name: nameOf(to), host: hostOf(to) ?? null },
    packet,
    verdict,
    why: whyOf(journey),
    policyHere: policyHere(agent.filter),
    hosts: journey.legs.map(({ host, judgement }) => ({
      host,
      here: host === nodeName,
      verdict: judgement.verdict,
      steps: judgement.trace.map(step => ({ ...step, words: stepInWords(step) })),
    })),
    route: await routeHere(agent, packet.destination, hostOf(from) === nodeName || hostOf(to) === nodeName),
  };
}

/** What this host has in force: with the last good version of what is invalid now, and what its interfaces are. */
function enforcedHere({ filter }: ExplainingAgent) {
  const settings = filter?.settings;
  return filter === undefined || settings === undefined ? undefined : { policy: filter.policy, settings };
}

function policyHere(filter: ExplainingAgent['filter']): ExplainView['policyHere'] {
  if (filter === undefined) return 'off';
  return filter.status()?.inForce === true ? 'in-force' : 'not-in-force';
}

function partyOf(world: World, field: string, text: string): Party {
  const found = findParty(world, text);
  if (found.kind !== 'problem') return found;
  const names = [...world.workloads.values()].map(({ namespace, name }) => `${namespace}/${name}`).sort();
  const shown = names.slice(0, MOST_NAMES).join(', ');
  const allowed = `an address${names.length > 0 ? `, ${shown}` : ''}${names.length > MOST_NAMES ? ', …' : ''}`;
  throw new ControlFailure(404, { error: found.problem, field, value: text, allowed });
}

const MOST_NAMES = 10;

function noWay({ from, to }: ExplainQuery, words: string): ControlFailure {
  return new ControlFailure(409, { error: `${from} and ${to} ${words}`, field: 'to', value: to });
}

function nameOf(party: Party): string | null {
  if (party.kind === 'workload') return `${party.workload.namespace}/${party.workload.name}`;
  return party.kind === 'host' ? `host ${party.host}` : null;
}

/** In words: what decided, and where; of what was allowed all the way, every rule that allowed it. */
function whyOf({ legs }: Journey): string {
  const last = legs.at(-1)!;
  const decision = last.judgement.trace.at(-1);
  if (decision?.kind !== 'decided') return '';
  const allowing = legs.flatMap(({ host, judgement }) =>
    judgement.trace.filter(isAllowing).map(step => `on ${host}, ${stepInWords(step)}`),
  );
  if (decision.verdict === 'allow' && allowing.length > 0) return allowing.join('; ');
  const named = decision.why === 'policy' || decision.why === 'profile' || decision.why === 'tier-default';
  const step = named ? last.judgement.trace.findLast(isDecisive) : undefined;
  return `on ${last.host}, ${step === undefined ? reasons[decision.why] : stepInWords(step)}`;
}

function isDecisive({ kind }: Step): boolean {
  return kind === 'rule' || kind === 'tier-default';
}

/** What let it through, or was not there to stop it. */
function isAllowing(step: Step): boolean {
  return (step.kind === 'rule' && step.action === 'allow') || step.kind === 'unguarded';
}

// ---------------------------------------------------------------- the route

async function routeHere(
  { nodeName, dataplane, bestRoute }: ExplainingAgent,
  destination: IpAddress,
  passes: boolean,
): Promise<RouteHereView> {
  if (dataplane === undefined) {
    const words = `this agent has no dataplane: which route ${nodeName} has to ${destination} is not known`;
    return { kind: 'unknown', prefix: null, legs: [], learnedFrom: null, nextHop: null, problem: '', words };
  }
  const taken = dataplane.routeTaken(destination);
  const best =
    taken.kind === 'ours' && taken.prefix !== undefined ? await bestRoute(taken.prefix) : undefined;
  return {
    kind: taken.kind,
    prefix: taken.prefix ?? null,
    legs: taken.legs.map(({ gateway, interfaceName }) => ({
      gateway: gateway ?? null,
      interface: interfaceName,
    })),
    learnedFrom: best?.from ?? null,
    nextHop: best?.nextHop ?? null,
    problem: taken.problem,
    words: `${passes ? '' : `(the packet does not begin or end here) `}${routeWords(nodeName, destination, taken, best)}`,
  };
}

function routeWords(
  host: string,
  destination: IpAddress,
  { kind, prefix, legs, problem }: RouteTaken,
  best: { readonly from: string; readonly nextHop: string } | undefined,
): string {
  const ways = legs.map(({ gateway, interfaceName }) =>
    gateway === undefined ? `by ${interfaceName}` : `by ${interfaceName} via ${gateway}`,
  );
  const way = ways.length === 0 ? 'and it ends there' : ways.join(' and ');
  switch (kind) {
    case 'own':
      return `${destination} is ${host}'s own: it stays there`;
    case 'ours': {
      const learned =
        best === undefined || best.from === 'own'
          ? ''
          : `, learned from ${best.from} with next hop ${best.nextHop}`;
      return `${host} sends to ${destination} by our route to ${prefix}${learned}, ${way}`;
    }
    case 'foreign':
      return `${host} sends to ${destination} by the route to ${prefix}, which is not ours, ${way} (${problem})`;
    case 'none':
      return `${host} has no route to ${destination} (${problem})`;
  }
}
