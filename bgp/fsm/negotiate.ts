/**
 * What two OPENs add up to (RFC 4271 section 6.2, RFC 5492, RFC 6793 section 4.1, RFC 4724 section 3, RFC 6286,
 * RFC 7911, RFC 8654, RFC 8950), or the
 * NOTIFICATION that says why they do not.
 */
import { AS_TRANS } from '../../core/asn.js';
import type { Ipv4Address } from '../../core/ip-address.js';
import type { Family } from '../family.js';
import { Afi, ErrorCode, OpenError, RoleValue, Safi } from '../iana.js';
import {
  AddPathDirection,
  type Capability,
  familyNumbers,
  familyOfNumbers,
  roleWords,
} from '../wire/capabilities.js';
import { noData } from '../wire/message-error.js';
import type { Open } from '../wire/open.js';
import { Writer } from '../wire/writer.js';
import type { LocalOpen, MessageError } from './session-state.js';

/** Everything the two ends have agreed on. */
export interface Negotiated {
  readonly remote: Open;
  readonly remoteAsn: number;
  readonly remoteRouterId: Ipv4Address;
  /** 0: neither hold nor keepalive timer runs. */
  readonly holdTimeSeconds: number;
  readonly keepaliveSeconds: number;
  readonly fourOctetAs: boolean;
  readonly families: readonly Family[];
  readonly routeRefresh: boolean;
  readonly addPath: NegotiatedAddPath;
  /** RFC 8950: IPv4 prefixes may have IPv6 next hops. */
  readonly extendedNextHop: boolean;
  /** RFC 8654 section 4: who announced it takes long messages; they are sent where both did. */
  readonly extendedMessages: { readonly receive: boolean; readonly send: boolean };
  /** RFC 7313: BoRR and EoRR stand around what is told again. */
  readonly enhancedRouteRefresh: boolean;
  /** Undefined unless both ends announced it. */
  readonly gracefulRestart: NegotiatedGracefulRestart | undefined;
  /** RFC 9494, by family; empty unless both ends announced it beside graceful restart. */
  readonly longLived: ReadonlyMap<Family, LongLivedFamily>;
  /** The peer may be told long-lived stale routes (RFC 9494 section 4.3): it knows what they are. */
  readonly takesLongLived: boolean;
}

export interface LongLivedFamily {
  /** The lesser of what both ends want, seconds. */
  readonly staleSeconds: number;
  /** The peer says that it went on forwarding. */
  readonly forwarding: boolean;
}

/** RFC 7911 section 4: families whose NLRI carry path identifiers, from the peer and to it. */
export interface NegotiatedAddPath {
  readonly receive: readonly Family[];
  readonly send: readonly Family[];
}

export interface NegotiatedGracefulRestart {
  readonly restartTimeSeconds: number;
  readonly restarting: boolean;
  /** Both ends go on after a NOTIFICATION other than Hard Reset (RFC 8538 section 2: the N bit). */
  readonly notification: boolean;
  /** Families that the peer keeps over a restart of its own. */
  readonly families: readonly Family[];
  /** Those of them that it says it went on forwarding for. */
  readonly forwarding: readonly Family[];
}

export type Negotiation =
  | { readonly kind: 'agreed'; readonly negotiated: Negotiated }
  | { readonly kind: 'refused'; readonly error: MessageError };

type Of<K extends Capability['kind']> = Extract<Capability, { readonly kind: K }>;

function capability<K extends Capability['kind']>(open: Open, kind: K): Of<K> | undefined {
  return open.capabilities.find((one): one is Of<K> => one.kind === kind);
}

function refuse(subcode: number, detail: string, data: Uint8Array = noData): Negotiation {
  return { kind: 'refused', error: { code: ErrorCode.open, subcode, data, detail } };
}

/** The peer's AS number in full: the capability's where there is one (RFC 6793 section 4.1). */
export function remoteAsnOf(open: Open): number {
  return capability(open, 'four-octet-as')?.asn ?? open.asn;
}

export function negotiate(local: LocalOpen, remote: Open): Negotiation {
  const fourOctet = capability(remote, 'four-octet-as');
  const remoteAsn = remoteAsnOf(remote);
  // RFC 7607: AS 0 is nobody's. RFC 6793 section 9: the two places may differ only as AS_TRANS and the real one.
  const consistent = fourOctet === undefined || remote.asn === AS_TRANS || remote.asn === fourOctet.asn;
  if (remoteAsn === 0 || remoteAsn !== local.peerAsn || !consistent) {
    return refuse(
      OpenError.badPeerAs,
      `expected ${local.peerAsn}, got ${consistent ? remoteAsn : `${remote.asn} with capability ${remoteAsn}`}`,
    );
  }
  // RFC 6286 section 2.2: any value but 0, and unique inside an AS.
  if (remote.routerId === '0.0.0.0' || (remoteAsn === local.asn && remote.routerId === local.open.routerId)) {
    return refuse(
      OpenError.badBgpIdentifier,
      remote.routerId === '0.0.0.0'
        ? 'it is 0.0.0.0'
        : `${remote.routerId} is our own: give one of the two another router ID`,
    );
  }
  if (remote.holdTimeSeconds === 1 || remote.holdTimeSeconds === 2) {
    return refuse(OpenError.unacceptableHoldTime, `${remote.holdTimeSeconds} s; 0 or at least 3 is allowed`);
  }
  const roles = whyRolesDiffer(local, remote);
  if (roles !== undefined) return refuse(OpenError.roleMismatch, roles);
  const families = commonFamilies(local.open, remote);
  if (families.length === 0) {
    return refuse(OpenError.unsupportedCapability, 'no address family in common', wantedFamilies(local.open));
  }
  const holdTimeSeconds = Math.min(local.open.holdTimeSeconds, remote.holdTimeSeconds);
  const negotiated: Negotiated = {
    remote,
    remoteAsn,
    remoteRouterId: remote.routerId,
    holdTimeSeconds,
    keepaliveSeconds: keepaliveSeconds(holdTimeSeconds, local.keepaliveSeconds),
    fourOctetAs: fourOctet !== undefined && capability(local.open, 'four-octet-as') !== undefined,
    families,
    routeRefresh:
      capability(remote, 'route-refresh') !== undefined &&
      capability(local.open, 'route-refresh') !== undefined,
    addPath: addPath(local.open, remote, families),
    extendedNextHop: extendsNextHop(local.open) && extendsNextHop(remote),
    extendedMessages: extendedMessages(local.open, remote),
    enhancedRouteRefresh:
      capability(remote, 'enhanced-route-refresh') !== undefined &&
      capability(local.open, 'enhanced-route-refresh') !== undefined,
    gracefulRestart: gracefulRestart(local.open, remote),
    longLived: longLived(local.open, remote),
    takesLongLived: capability(remote, 'long-lived-graceful-restart') !== undefined,
  };
  return { kind: 'agreed', negotiated };
}

/** RFC 4271 section 4.4: a third of the hold time, never more than once a second; configuration may ask for less. */
export function keepaliveSeconds(holdTimeSeconds: number, configured: number | undefined): number {
  if (holdTimeSeconds === 0) return 0;
  const third = holdTimeSeconds / 3;
  return Math.max(1, configured === undefined ? third : Math.min(configured, third));
}

/** RFC 9234 section 4.2: `undefined` if the roles go together, or one end has said none and that is not asked of it. */
function whyRolesDiffer({ open, roleStrict }: LocalOpen, remote: Open): string | undefined {
  const ours = capability(open, 'role')?.value;
  if (ours === undefined) return undefined;
  const theirs = remote.capabilities.filter((one): one is Of<'role'> => one.kind === 'role');
  const [first, ...more] = theirs.map(({ value }) => value);
  if (first === undefined) {
    return roleStrict ? `the peer has not said its role; we are ${roleWords(ours)}` : undefined;
  }
  if (more.some(value => value !== first)) return 'the peer has said several roles';
  if (counterpart.get(ours) === first) return undefined;
  return `we are ${roleWords(ours)} and the peer is ${roleWords(first)}`;
}

const counterpart: ReadonlyMap<number, number> = new Map([
  [RoleValue.provider, RoleValue.customer],
  [RoleValue.customer, RoleValue.provider],
  [RoleValue.rs, RoleValue['rs-client']],
  [RoleValue['rs-client'], RoleValue.rs],
  [RoleValue.peer, RoleValue.peer],
]);

/** RFC 4760 section 8: a speaker without the capability speaks IPv4 unicast alone. */
function familiesOf(open: Open): readonly Family[] {
  const announced = open.capabilities.filter(
    (one): one is Of<'multiprotocol'> => one.kind === 'multiprotocol',
  );
  if (announced.length === 0) return ['ipv4-unicast'];
  const families = announced.map(({ afi, safi }) => familyOfNumbers(afi, safi));
  return [...new Set(families.filter(family => family !== undefined))];
}

function commonFamilies(local: Open, remote: Open): readonly Family[] {
  const theirs = familiesOf(remote);
  return familiesOf(local).filter(family => theirs.includes(family));
}

/** RFC 5492 section 5: the capabilities that the peer lacks, as they would stand in an OPEN. */
function wantedFamilies(local: Open): Uint8Array {
  const writer = new Writer(16);
  for (const family of familiesOf(local)) {
    const { afi, safi } = familyNumbers(family);
    writer.u8(1).u8(4).u16(afi).u8(0).u8(safi);
  }
  return writer.finish();
}

/** RFC 7911 section 4: a direction holds where one end can send and the other receive. */
function addPath(local: Open, remote: Open, families: readonly Family[]): NegotiatedAddPath {
  const { receive, send } = AddPathDirection;
  const allows = (open: Open, family: Family, direction: number) => {
    const { afi, safi } = familyNumbers(family);
    const entry = capability(open, 'add-path')?.families.find(one => one.afi === afi && one.safi === safi);
    // Any other value than the three is to be ignored.
    return (
      entry !== undefined && entry.direction <= AddPathDirection.both && (entry.direction & direction) !== 0
    );
  };
  return {
    receive: families.filter(family => allows(local, family, receive) && allows(remote, family, send)),
    send: families.filter(family => allows(local, family, send) && allows(remote, family, receive)),
  };
}

/** RFC 8950 section 4. */
function extendsNextHop(open: Open): boolean {
  const families = capability(open, 'extended-next-hop')?.families ?? [];
  return families.some(
    ({ afi, safi, nextHopAfi }) => afi === Afi.ipv4 && safi === Safi.unicast && nextHopAfi === Afi.ipv6,
  );
}

function extendedMessages(local: Open, remote: Open): Negotiated['extendedMessages'] {
  const receive = capability(local, 'extended-message') !== undefined;
  return { receive, send: receive && capability(remote, 'extended-message') !== undefined };
}

function gracefulRestart(local: Open, remote: Open): NegotiatedGracefulRestart | undefined {
  // RFC 4724 section 3: of several the last one counts.
  const theirs = remote.capabilities.findLast(
    (one): one is Of<'graceful-restart'> => one.kind === 'graceful-restart',
  );
  const ours = capability(local, 'graceful-restart');
  if (theirs === undefined || ours === undefined) return undefined;
  const named = (which: typeof theirs.families) =>
    which.map(({ afi, safi }) => familyOfNumbers(afi, safi)).filter(family => family !== undefined);
  return {
    restartTimeSeconds: theirs.restartTimeSeconds,
    restarting: theirs.restarting,
    notification: ours.notification && theirs.notification,
    families: named(theirs.families),
    forwarding: named(theirs.families.filter(family => family.forwarding)),
  };
}

/** RFC 9494 section 3: without the graceful restart capability beside it, it is of no account. */
function longLived(local: Open, remote: Open): ReadonlyMap<Family, LongLivedFamily> {
  const agreed = new Map<Family, LongLivedFamily>();
  const ours = capability(local, 'long-lived-graceful-restart');
  const theirs = capability(remote, 'long-lived-graceful-restart');
  if (ours === undefined || theirs === undefined || gracefulRestart(local, remote) === undefined)
    return agreed;
  for (const { afi, safi, forwarding, staleSeconds } of theirs.families) {
    const family = familyOfNumbers(afi, safi);
    const own = ours.families.find(one => one.afi === afi && one.safi === safi);
    if (family === undefined || own === undefined) continue;
    agreed.set(family, { forwarding, staleSeconds: Math.min(own.staleSeconds, staleSeconds) });
  }
  return agreed;
}
