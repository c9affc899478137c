/** A BGPPeer document read once: which hosts it is for, and which address or nodes it leads to (pure). */
import { type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import type { BGPPeerResource, NodeResource } from '../../core/resources/resource.js';
import { isSelector, matchesSelector, parseSelector, type Selector } from '../../core/selector.js';
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
  const peerSelector = compile(spec.peerSelector);
  return {
    name: resource.metadata.name,
    resource,
    rank: spec.node === undefined && spec.nodeSelector === undefined ? 'global' : 'node',
    address: parsePeerIp(spec.peerIP),
    selectsNodes: peerSelector !== undefined,
    appliesTo: scopeOf(spec),
    selects: node => peerSelector !== undefined && matchesSelector(peerSelector, node.metadata.labels),
  };
}

/** For one node, for those that a selector matches, or for every one. A host without a Node document has no labels. */
export function scopeOf(spec: {
  readonly node?: string;
  readonly nodeSelector?: string;
}): (nodeName: string, node: NodeResource | undefined) => boolean {
  const nodeSelector = compile(spec.nodeSelector);
  return (nodeName, node) => {
    if (spec.node !== undefined) return spec.node === nodeName;
    if (spec.nodeSelector === undefined) return true;
    return nodeSelector !== undefined && matchesSelector(nodeSelector, node?.metadata.labels ?? {});
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
