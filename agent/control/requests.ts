/** From method and URL to what is wanted, and nothing else: every wrong parameter ends here with its name and what is allowed. */
import { parseIpAddress } from '../../core/ip-address.js';
import { isPrefix, parsePrefix } from '../../core/prefix.js';
import {
  isNamespaced,
  type ResourceId,
  type ResourceKind,
  resourceNamePattern,
} from '../../core/resources/resource.js';
import { icmpAllowed, isIcmp, isPort, portAllowed } from '../../policy/journey/cargo.js';
import { ControlFailure } from './backend.js';
import { type IpamRequest, routeIpam } from './ipam-requests.js';
import type { ExplainQuery } from './policy-types.js';
import { CONTROL_API_VERSION, type RoutesQuery, type RouteTableName, type WatchTopic } from './types.js';

export type ControlRequest =
  | { readonly kind: 'hello' | 'status' | 'peers' | 'bfd' | 'hosts' | 'apply' | 'shutdown' }
  | MetricsRequest
  | MrtRequest
  | { readonly kind: 'peer'; readonly peer: string }
  | { readonly kind: 'peer-enable'; readonly peer: string; readonly enabled: boolean }
  | { readonly kind: 'peer-shutdown' | 'peer-clear'; readonly peer: string }
  | {
      readonly kind: 'routes';
      readonly query: RoutesQuery;
      readonly after: string | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'list-resources'; readonly resourceKind: ResourceKind }
  | { readonly kind: 'get-resource' | 'delete-resource'; readonly id: ResourceId }
  | ExplainRequest
  | { readonly kind: 'policy'; readonly endpoint: string }
  | { readonly kind: 'topology'; readonly explain: string | undefined }
  | { readonly kind: 'delete-host'; readonly node: string }
  | CheckTunnelsRequest
  | IpamRequest
  | WatchRequest;

export interface RoutesRequest {
  readonly kind: 'routes';
  readonly query: RoutesQuery;
  readonly after: string | undefined;
  readonly limit: number;
}

export interface MetricsRequest {
  readonly kind: 'metrics';
}

export interface MrtRequest {
  readonly kind: 'mrt';
  readonly what: 'table' | 'sessions';
}

export interface ExplainRequest {
  readonly kind: 'explain';
  readonly query: ExplainQuery;
}

export interface CheckTunnelsRequest {
  readonly kind: 'check-tunnels';
  /** Undefined: every other one. */
  readonly node: string | undefined;
}

export type WatchRequest =
  | { readonly kind: 'watch'; readonly topic: 'status' | 'peers' | 'bfd' | 'hosts' | 'topology' }
  | { readonly kind: 'watch'; readonly topic: 'resources'; readonly resourceKind: ResourceKind }
  | { readonly kind: 'watch'; readonly topic: 'routes'; readonly routes: RoutesRequest };

/** The kinds a store holds; the compiler keeps the list complete. */
const kinds: Readonly<Record<ResourceKind, true>> = {
  Node: true,
  IPPool: true,
  BGPConfiguration: true,
  FelixConfiguration: true,
  BGPPeer: true,
  BGPPeerRange: true,
  BGPFilter: true,
  Secret: true,
  WorkloadEndpoint: true,
  BlockAffinity: true,
  NodeStatus: true,
  IPAMConfiguration: true,
  IPReservation: true,
  IPAMBlock: true,
  IPAMHandle: true,
  BGPTopology: true,
  TopologyPlan: true,
  Lease: true,
  NodeReport: true,
  Tier: true,
  GlobalNetworkPolicy: true,
  NetworkPolicy: true,
  KubernetesNetworkPolicy: true,
  StagedGlobalNetworkPolicy: true,
  StagedNetworkPolicy: true,
  StagedKubernetesNetworkPolicy: true,
  GlobalNetworkSet: true,
  NetworkSet: true,
  Profile: true,
  HostEndpoint: true,
  Namespace: true,
  ServiceAccount: true,
};

export const resourceKinds = Object.keys(kinds) as readonly ResourceKind[];

/** Throws {@link ControlFailure} with 400, 404 or 405. */
export function parseRequest(method: string, target: string): ControlRequest {
  const url = new URL(target, 'http://agent');
  const [version, ...path] = url.pathname.split('/').slice(1).map(decode);
  if (version !== CONTROL_API_VERSION) {
    throw new ControlFailure(404, {
      error: `this agent speaks control API ${CONTROL_API_VERSION}`,
      field: 'path',
      value: url.pathname,
      allowed: `/${CONTROL_API_VERSION}/...`,
    });
  }
  const request = route(method, path, url.searchParams);
  if (request !== undefined) return request;
  for (const other of ['GET', 'POST', 'DELETE']) {
    if (other !== method && route(other, path, url.searchParams) !== undefined) {
      throw new ControlFailure(405, {
        error: `${method} is not for ${url.pathname}`,
        field: 'method',
        value: method,
        allowed: other,
      });
    }
  }
  throw new ControlFailure(404, {
    error: `no such path: ${url.pathname}`,
    field: 'path',
    value: url.pathname,
  });
}

function peerAction(peer: string, action: string | undefined): ControlRequest | undefined {
  switch (action) {
    case 'enable':
    case 'disable':
      return { kind: 'peer-enable', peer, enabled: action === 'enable' };
    case 'shutdown':
      return { kind: 'peer-shutdown', peer };
    case 'clear':
      return { kind: 'peer-clear', peer };
    default:
      return undefined;
  }
}

function route(
  method: string,
  path: readonly string[],
  parameters: URLSearchParams,
): ControlRequest | undefined {
  const [head, ...rest] = path;
  if (head === 'ipam') return routeIpam(method, rest);
  switch (`${method} ${head}/${rest.length}`) {
    case 'GET hello/0':
      return { kind: 'hello' };
    case 'GET status/0':
      return { kind: 'status' };
    case 'GET peers/0':
      return { kind: 'peers' };
    case 'GET bfd/0':
      return { kind: 'bfd' };
    case 'GET hosts/0':
      return { kind: 'hosts' };
    case 'POST hosts/2':
      return rest[1] === 'delete' ? { kind: 'delete-host', node: parseNode(rest[0] as string) } : undefined;
    case 'GET peers/1':
      return { kind: 'peer', peer: rest[0] as string };
    case 'POST peers/2':
      return peerAction(rest[0] as string, rest[1]);
    case 'GET routes/0':
      return parseRoutes(parameters);
    case 'GET resources/1':
      return { kind: 'list-resources', resourceKind: parseKind(rest[0]) };
    case 'GET resources/2':
    case 'GET resources/3':
      return { kind: 'get-resource', id: parseId(rest) };
    case 'DELETE resources/2':
    case 'DELETE resources/3':
      return { kind: 'delete-resource', id: parseId(rest) };
    case 'POST resources/0':
      return { kind: 'apply' };
    case 'GET check/1':
      return parseCheck(rest[0] as string, parameters);
    case 'GET explain/0':
      return parseExplain(parameters);
    case 'GET policy/1':
      return { kind: 'policy', endpoint: rest[0] as string };
    case 'GET topology/0':
      return { kind: 'topology', explain: parameters.get('explain') ?? undefined };
    case 'GET metrics/0':
      return { kind: 'metrics' };
    case 'GET mrt/1':
      return { kind: 'mrt', what: oneOf('mrt', rest[0] as string, ['table', 'sessions'] as const) };
    case 'POST shutdown/0':
      return { kind: 'shutdown' };
    case 'GET watch/1':
      return parseWatch(rest[0] as string, parameters);
    default:
      return undefined;
  }
}

function parseRoutes(parameters: URLSearchParams): RoutesRequest {
  const table = oneOf('table', parameters.get('table') ?? 'best', [
    'best',
    'all-paths',
    'received',
    'advertised',
  ] as const);
  const family = oneOf('family', parameters.get('family') ?? 'ipv4', ['ipv4', 'ipv6'] as const);
  const peer = parameters.get('peer') ?? undefined;
  if ((table === 'received' || table === 'advertised') && peer === undefined) {
    throw bad('peer', '', `a peer is needed for the table "${table}"`, "a peer's key, address or name");
  }
  const prefix = parsePrefixParameter('prefix', parameters.get('prefix'));
  const after = parsePrefixParameter('after', parameters.get('after'));
  const query: RoutesQuery = {
    table: table satisfies RouteTableName,
    family: prefix === undefined ? family : prefix.includes(':') ? 'ipv6' : 'ipv4',
    ...(peer === undefined ? {} : { peer }),
    ...(prefix === undefined ? {} : { prefix }),
  };
  return { kind: 'routes', query, after, limit: parseLimit(parameters.get('limit')) };
}

/** A plain address means its host route, as in `ip route get`. */
function parsePrefixParameter(field: string, text: string | null): string | undefined {
  if (text === null || text === '') return undefined;
  const address = parseIpAddress(text);
  const prefix = parsePrefix(address === undefined ? text : `${address}/${address.includes(':') ? 128 : 32}`);
  if (isPrefix(prefix)) return prefix;
  const allowed = prefix.kind === 'host-bits-set' ? prefix.network : 'ADDRESS/LENGTH, e.g. 10.244.1.0/26';
  throw bad(
    field,
    text,
    prefix.kind === 'host-bits-set' ? `"${text}" has host bits set` : `"${text}" is no prefix`,
    allowed,
  );
}

function parseLimit(text: string | null): number {
  const limit = Number(text ?? 1000);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw bad('limit', text ?? '', `limit ${text} is out of range`, '1 to 1000');
}

function parseExplain(parameters: URLSearchParams): ExplainRequest {
  const [from, to] = ['from', 'to'].map(field => {
    const text = parameters.get(field) ?? '';
    if (text === '') throw bad(field, text, `"${field}" is missing`, 'NAMESPACE/NAME, a name or an address');
    return text;
  }) as [string, string];
  const port = parameters.get('port') ?? undefined;
  const icmp = parameters.get('icmp') ?? undefined;
  if (port !== undefined && !isPort(port)) throw bad('port', port, `"${port}" is no port`, portAllowed);
  if (icmp !== undefined && !isIcmp(icmp))
    throw bad('icmp', icmp, `"${icmp}" is nothing of ICMP`, icmpAllowed);
  if (port !== undefined && icmp !== undefined)
    throw bad('icmp', icmp, 'a packet has a port or an ICMP type', 'one of port and icmp');
  const query = {
    from,
    to,
    ...(port === undefined ? {} : { port }),
    ...(icmp === undefined ? {} : { icmp }),
  };
  return { kind: 'explain', query };
}

function parseCheck(text: string, parameters: URLSearchParams): CheckTunnelsRequest {
  oneOf('check', text, ['tunnels'] as const);
  return { kind: 'check-tunnels', node: parameters.get('node') ?? undefined };
}

function parseWatch(text: string, parameters: URLSearchParams): WatchRequest {
  const topic = oneOf('topic', text, [
    'status',
    'peers',
    'bfd',
    'hosts',
    'topology',
    'resources',
    'routes',
  ] as const satisfies WatchTopic[]);
  switch (topic) {
    case 'resources':
      return { kind: 'watch', topic, resourceKind: parseKind(parameters.get('kind') ?? '') };
    case 'routes':
      return { kind: 'watch', topic, routes: parseRoutes(parameters) };
    case 'status':
    case 'peers':
    case 'bfd':
    case 'hosts':
    case 'topology':
      return { kind: 'watch', topic };
  }
}

function parseNode(name: string): string {
  if (resourceNamePattern.test(name)) return name;
  throw bad('node', name, `"${name}" is no name`, 'small letters, digits, "-" and "."');
}

function parseKind(text: string | undefined): ResourceKind {
  return oneOf('kind', text ?? '', resourceKinds);
}

function parseId(path: readonly string[]): ResourceId {
  const kind = parseKind(path[0]);
  const name = path.at(-1) as string;
  const namespace = path.length === 3 ? (path[1] as string) : undefined;
  for (const [field, text] of [['name', name] as const, ['namespace', namespace] as const]) {
    if (text !== undefined && !resourceNamePattern.test(text)) {
      throw bad(field, text, `"${text}" is no name`, 'small letters, digits, "-" and "."');
    }
  }
  if (!isNamespaced(kind)) {
    if (namespace !== undefined) throw bad('namespace', namespace, `${kind} has no namespaces`, '(none)');
    return { kind, name };
  }
  return { kind, namespace: namespace ?? 'default', name };
}

function oneOf<T extends string>(field: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw bad(field, value, `unknown ${field} "${value}"`, allowed.join(', '));
}

function bad(field: string, value: string, error: string, allowed: string): ControlFailure {
  return new ControlFailure(400, { error, field, value, allowed });
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw bad('path', segment, `"${segment}" is not percent-encoded text`, 'UTF-8, percent-encoded');
  }
}
