/** What people should know of their BGPPeers, ranges and of the mesh: what is missing, what is not acted on, and what that means (pure). */

import { durationSeconds } from '../../core/duration.js';
import type { IpAddress } from '../../core/ip-address.js';
import { sessionOptionsOf } from '../../core/resources/annotations.js';
import type { BGPPeerRangeResource, BGPPeerResource } from '../../core/resources/resource.js';
import { type Condition, condition } from './condition.js';
import { type PasswordSource, passwordSource } from './passwords.js';
import { type Candidate, isInternal } from './peer-config.js';
import { LONGEST_RESTART_SECONDS, type PeerContext } from './peer-context.js';
import { filtersOf } from './peer-template.js';

export function meshConditions(context: PeerContext): Condition[] {
  const source = context.meshPasswordSource;
  const id = 'BGPConfiguration/default';
  const restart = context.configurations.of(context.options.nodeName, 'nodeMeshMaxRestartTime');
  return [
    ...missingPassword(id, 'the mesh is kept down', source, context),
    ...longRestart(id, 'nodeMeshMaxRestartTime', restart),
  ];
}

/** @param claims what the document leads to on this host */
export function peerConditions(
  peer: BGPPeerResource,
  claims: readonly Candidate[],
  context: PeerContext,
): Condition[] {
  const id = `BGPPeer/${peer.metadata.name}`;
  const { spec } = peer;
  const found: Condition[] = [];
  const notActedOn = (field: string, message: string) =>
    found.push(condition('warning', 'not-acted-on', [id, field], `${id} has spec.${field}: ${message}`));
  if (spec.localWorkloadSelector !== undefined) {
    notActedOn('localWorkloadSelector', 'this version does not peer with workloads; it makes no session');
  }
  if (claims.length === 0) return found;
  if (spec.reachableBy !== undefined) {
    notActedOn(
      'reachableBy',
      'no route is made for it; next hops are never resolved through learned routes here, so that there is no loop for it to break, and the host must have a route to the peer',
    );
  }
  const options = sessionOptionsOf(peer);
  if (options.routeReflectorClient === true && !claims.some(claim => isInternal(claim, context))) {
    const message = `${id} has margay.io/routeReflectorClient, and its peers are of another AS: nobody is a client outside of our own`;
    found.push(condition('warning', 'external-client', [id], message));
  }
  return [...found, ...sessionConditions(id, peer, context)];
}

export function rangeConditions(range: BGPPeerRangeResource, context: PeerContext): Condition[] {
  return sessionConditions(`BGPPeerRange/${range.metadata.name}`, range, context);
}

function sessionConditions(
  id: string,
  document: BGPPeerResource | BGPPeerRangeResource,
  context: PeerContext,
): Condition[] {
  const { spec } = document;
  const source = passwordSource(spec.password, sessionOptionsOf(document));
  return [
    ...filtersOf(spec.filters, context).missing.map(name => missingFilter(id, name)),
    ...interfaceRules(id, spec.filters, context),
    ...missingPassword(id, 'its sessions are kept down', source, context),
    ...longRestart(id, 'maxRestartTime', spec.maxRestartTime),
  ];
}

function missingFilter(id: string, name: string): Condition {
  const message = `${id} names BGPFilter/${name}, which does not exist: as in Calico it is left out, and routes are judged by the other filters and the default policy`;
  return condition('error', 'missing-filter', [id, `BGPFilter/${name}`], message);
}

/** Without a dataplane nobody knows which interface a next hop is reached through. */
function interfaceRules(id: string, names: readonly string[] | undefined, context: PeerContext): Condition[] {
  if (context.options.mode === 'node') return [];
  const asking = filtersOf(names, context).found.filter(({ spec }) =>
    [spec.importV4, spec.exportV4, spec.importV6, spec.exportV6].some(rules =>
      rules?.some(rule => rule.interface !== undefined),
    ),
  );
  return asking.map(({ metadata: { name } }) => {
    const message = `BGPFilter/${name}, which ${id} names, has rules for an interface: a reflector knows none, and they match nothing`;
    return condition('warning', 'interface-rules', [`BGPFilter/${name}`, id], message);
  });
}

function missingPassword(
  id: string,
  consequence: string,
  source: PasswordSource | undefined,
  context: PeerContext,
): Condition[] {
  if (source === undefined) return [];
  const password = context.passwords.of(source);
  if (password.kind === 'found') return [];
  const objects = source.kind === 'secret' ? [id, `Secret/${source.name}`] : [id];
  return [
    condition(
      'error',
      'no-password',
      objects,
      `${id} wants a password, and ${password.problem}: ${consequence}`,
    ),
  ];
}

function longRestart(id: string, field: string, text: string | undefined): Condition[] {
  if ((durationSeconds(text) ?? 0) <= LONGEST_RESTART_SECONDS) return [];
  const message = `${id} has spec.${field} ${text}: BGP has room for ${LONGEST_RESTART_SECONDS} s, which are announced instead`;
  return [condition('warning', 'long-restart', [id, field], message)];
}

export function unknownNode(peer: BGPPeerResource): Condition {
  const id = `BGPPeer/${peer.metadata.name}`;
  const message = `${id} is for node "${peer.spec.node}", which does not exist`;
  return condition('warning', 'unknown-node', [id], message);
}

export function duplicatePeers(address: IpAddress, documents: readonly Candidate[]): Condition {
  const ids = documents.map(claim => `BGPPeer/${claim.document?.metadata.name}`);
  const message = `several BGPPeers lead to ${address}: ${ids[0]} is used, the others are not`;
  return condition('warning', 'duplicate-peer', [...new Set(ids)], message);
}
