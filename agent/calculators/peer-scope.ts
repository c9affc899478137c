/**
 * A BGPPeer document read once: which hosts it is for, which address or nodes it leads to, and which of its fields this version
 * does not act on.
 */
import { type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import type { BGPPeerResource, NodeResource } from '../../core/resources/resource.js';
import { isSelector, matchesSelector, parseSelector, type Selector } from '../../core/selector.js';
import { type Condition, condition } from './condition.js';
import { BGP_PORT } from './node-view.js';

export interface CompiledPeer {
  readonly name: string;
  readonly resource: BGPPeerResource;
  /** 'node' if it names a node or selects some, 'global' if it is for every host. */
  readonly rank: 'node' | 'global';
  /** From `peerIP`; undefined if it has none. */
  readonly address: { readonly address: IpAddress; readonly port: number } | undefined;
  readonly selectsNodes: boolean;
  /** Is the document for this host? A host without a Node document has no labels. */
  appliesTo(nodeName: string, node: NodeResource | undefined): boolean;
  /** Does its `peerSelector` select this node? */
  selects(node: NodeResource): boolean;
}

export function compilePeer(resource: BGPPeerResource): CompiledPeer {
  const { spec } = resource;
  const nodeSelector = compile(spec.nodeSelector);
  const peerSelector = compile(spec.peerSelector);
  return {
    name: resource.metadata.name,
    resource,
    rank: spec.node === undefined && spec.nodeSelector === undefined ? 'global' : 'node',
    address: parsePeerIp(spec.peerIP),
    selectsNodes: peerSelector !== undefined,
    appliesTo: (nodeName, node) => {
      if (spec.node !== undefined) return spec.node === nodeName;
      if (spec.nodeSelector === undefined) return true;
      return nodeSelector !== undefined && matchesSelector(nodeSelector, node?.metadata.labels ?? {});
    },
    selects: node => peerSelector !== undefined && matchesSelector(peerSelector, node.metadata.labels),
  };
}

/** A selector that does not parse selects nothing: validation has reported it. */
function compile(text: string | undefined): Selector | undefined {
  if (text === undefined) return undefined;
  const selector = parseSelector(text);
  return isSelector(selector) ? selector : undefined;
}

/** `ADDRESS`, `IPV4:PORT` or `[IPV6]:PORT`. */
export function parsePeerIp(
  text: string | undefined,
): { readonly address: IpAddress; readonly port: number } | undefined {
  if (text === undefined) return undefined;
  const plain = parseIpAddress(text);
  if (plain !== undefined) return { address: plain, port: BGP_PORT };
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  return address === undefined || !(port >= 1 && port <= 65535) ? undefined : { address, port };
}

/** Fields that would loosen security if they were silently left out: the peer stays down instead. */
const guarding = ['password', 'ttlSecurity', 'filters'] as const;
const unused = ['numAllowedLocalASNumbers', 'reachableBy', 'maxRestartTime'] as const;

/** True if the peer may not be spoken to without something this version cannot do. */
export function mustStayDown(resource: BGPPeerResource): boolean {
  return guarding.some(field => isGiven(resource.spec[field]));
}

export function unsupportedFields(resource: BGPPeerResource): Condition[] {
  const id = `BGPPeer/${resource.metadata.name}`;
  const conditions: Condition[] = [];
  for (const field of guarding.filter(name => isGiven(resource.spec[name]))) {
    const message = `${id} has spec.${field}, which this version cannot honour: its sessions are kept down`;
    conditions.push(condition('error', 'unsupported-field', [id, field], message));
  }
  for (const field of unused.filter(name => isGiven(resource.spec[name]))) {
    const message = `${id} has spec.${field}, which this version does not act on`;
    conditions.push(condition('warning', 'unsupported-field', [id, field], message));
  }
  return conditions;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}
