/**
 * What a change of documents does to the sessions of this host, told before it is made (pure): which of them end or begin, which are reset
 * because OPEN or the connection carries what changes, and which take it up as they run.
 */
import type { PeerConfig, PeerRangeConfig } from '../bgp/speaker/contract.js';
import { type ResetField, resetFields } from '../bgp/speaker/peer-change.js';
import type { Asn } from '../core/asn.js';
import type { IpAddress, Ipv4Address } from '../core/ip-address.js';
import { sameValue } from './calculators/calculator.js';
import type { SessionEffectView } from './control/types.js';

export interface Sessions {
  readonly peers: ReadonlyMap<string, PeerConfig>;
  readonly ranges: ReadonlyMap<string, PeerRangeConfig>;
  /** Of the speaker; undefined where there is none yet. */
  readonly identity: { readonly asn: Asn; readonly routerId: Ipv4Address } | undefined;
}

const reasons: Readonly<Record<ResetField, string>> = {
  address: "the connection is to the peer's address",
  port: "the connection is to the peer's port",
  asn: "the peer's AS number is checked in OPEN",
  localAsn: 'OPEN carries our AS number',
  localAddress: 'the connection is from our address',
  families: 'address families are agreed upon in OPEN',
  holdTimeSeconds: 'the hold time is agreed upon in OPEN',
  gracefulRestart: 'graceful restart is agreed upon in OPEN',
  role: 'OPEN carries our role',
  roleStrict: "the peer's role is checked in OPEN",
  restartTimeSeconds: 'OPEN carries the restart time',
  notificationRestart: 'OPEN carries what a NOTIFICATION ends',
  longLivedStaleSeconds: 'OPEN carries the long-lived stale time',
  administrativeState: 'it is shut down or enabled',
  extendedNextHop: 'next hops of another family are agreed upon in OPEN',
  extendedMessages: 'long messages are agreed upon in OPEN',
  interface: 'the connection is on the interface',
  addPath: 'several paths to a prefix are agreed upon in OPEN',
};

/** Fields that documents call otherwise. */
const documentNames: Readonly<Record<string, string>> = {
  asn: 'asNumber',
  asns: 'asNumbers',
  prefix: 'cidr',
  localAsn: 'localASNumber',
  localAddress: 'sourceAddress',
  holdTimeSeconds: 'holdTime',
  keepaliveTimeSeconds: 'keepaliveTime',
  restartTimeSeconds: 'maxRestartTime',
  longLivedStaleSeconds: 'longLivedStaleTime',
  sendHoldTimeSeconds: 'sendHoldTime',
  ttlSecurityHops: 'ttlSecurity',
  ownAsnsAllowed: 'numAllowedLocalASNumbers',
  removePrivateAsns: 'removePrivateASNumbers',
  enforceFirstAs: 'enforceFirstAS',
  addPath: 'addPathReceive or addPathSend',
  importPolicy: 'what is imported',
  exportPolicy: 'what is exported',
};

/** In the order of addresses; none for what stays as it is. */
export function sessionEffects(before: Sessions, after: Sessions): readonly SessionEffectView[] {
  const anew = changedIdentity(before, after);
  const peers = pairs(before.peers.values(), after.peers.values(), ({ address }) => address);
  const ranges = pairs(before.ranges.values(), after.ranges.values(), ({ key }) => key);
  return [
    ...peers.flatMap(([was, is]) => peerEffect(was, is, anew) ?? []),
    ...ranges.flatMap(([was, is]) => rangeEffect(was, is, anew) ?? []),
  ];
}

function changedIdentity({ identity: was }: Sessions, { identity: is }: Sessions): string | undefined {
  if (was === undefined || is === undefined) return undefined;
  if (was.asn !== is.asn) return `the AS number of this host becomes ${is.asn}`;
  return was.routerId === is.routerId ? undefined : `the router id of this host becomes ${is.routerId}`;
}

/** What is at the same place before and after. */
function pairs<T>(before: Iterable<T>, after: Iterable<T>, placeOf: (one: T) => string) {
  const was = new Map([...before].map(one => [placeOf(one), one]));
  const is = new Map([...after].map(one => [placeOf(one), one]));
  return [...new Set([...was.keys(), ...is.keys()])]
    .sort()
    .map(place => [was.get(place), is.get(place)] as const);
}

function peerEffect(
  was: PeerConfig | undefined,
  is: PeerConfig | undefined,
  anew: string | undefined,
): SessionEffectView | undefined {
  const one = is ?? was;
  if (one === undefined) return undefined;
  const shown = { peer: one.key, name: one.name, address: one.address };
  const [ran, runs] = [was?.administrativeState === 'up', is?.administrativeState === 'up'];
  if (!ran && !runs) return undefined;
  if (was === undefined || !ran) return { ...shown, effect: 'starts', fields: [], why: startReason(was) };
  if (is === undefined || !runs) return { ...shown, effect: 'ends', fields: [], why: endReason(is) };
  const fields = differing(was, is);
  if (was.key !== is.key) {
    return {
      ...shown,
      effect: 'resets',
      fields,
      why: `another document speaks for it: ${was.key} becomes ${is.key}`,
    };
  }
  const resetting = resetFields(was, is);
  const why = anew ?? resetting.map(field => reasons[field]).join('; ');
  if (why !== '') return { ...shown, effect: 'resets', fields, why };
  return fields.length === 0 ? undefined : { ...shown, effect: 'changes-live', fields, why: '' };
}

function startReason(was: PeerConfig | undefined): string {
  return was === undefined ? 'there was no such peer' : 'what kept it down is gone';
}

function endReason(is: PeerConfig | undefined): string {
  return is === undefined ? 'there is no such peer any more' : is.administrativeMessage || 'it is shut down';
}

/** Of its peers, as many as there are: none of them is dialled, and those that it no longer takes go. */
function rangeEffect(
  was: PeerRangeConfig | undefined,
  is: PeerRangeConfig | undefined,
  anew: string | undefined,
): SessionEffectView | undefined {
  const one = is ?? was;
  if (one === undefined) return undefined;
  const effect = peerEffect(memberOf(was), memberOf(is), anew);
  const shown = { peer: one.key, name: one.key, address: one.prefix };
  if (was === undefined || is === undefined) return effect && { ...effect, ...shown, why: '' };
  if (effect?.effect === 'starts' || effect?.effect === 'ends') return { ...effect, ...shown };
  const fields = differing(was, is);
  const leaving = was.prefix !== is.prefix || !sameValue(was.asns, is.asns) ? LEAVING : '';
  if (effect !== undefined) {
    const why = [effect.why, leaving].filter(part => part !== '').join('; ');
    return { ...effect, ...shown, fields: [...new Set([...effect.fields, ...fields])].sort(), why };
  }
  return fields.length === 0 ? undefined : { ...shown, effect: 'changes-live', fields, why: leaving };
}

const LEAVING = 'sessions with peers that are no longer part of it end';
const ANY_ADDRESS = '0.0.0.0' as IpAddress;

/** What a range makes of somebody who dials. */
function memberOf(range: PeerRangeConfig | undefined): PeerConfig | undefined {
  if (range === undefined) return undefined;
  return { ...range.template, key: range.key, address: ANY_ADDRESS, asn: 0 as Asn, passive: true };
}

function differing(was: PeerConfig | PeerRangeConfig, is: PeerConfig | PeerRangeConfig): readonly string[] {
  const [before, after] = [new Map(Object.entries(was)), new Map(Object.entries(is))];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter(key => key !== 'template' && !sameValue(before.get(key), after.get(key)))
    .map(key => documentNames[key] ?? key)
    .sort();
}
