/** A peer for people: `PeerStatus` from what the shell knows (pure). */
import type { Family } from '../family.js';
import type { Negotiated } from '../fsm/negotiate.js';
import { type Capability, describeCapability } from '../wire/capabilities.js';
import { describeNotification, type Notification } from '../wire/notification.js';
import type {
  BfdState,
  NotificationStatus,
  PeerConfig,
  PeerCounters,
  PeerStatus,
  SessionStatus,
  SpeakerConfig,
} from './contract.js';
import { noNextHopWords } from './next-hop-family.js';
import { type HeldBack, heldBackWords } from './required-policies.js';
import type { Session } from './session.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What is remembered of a peer from one session to the next. */
export interface PeerRecord {
  sinceUnixMs: number;
  info: string;
  /** What the peer said when it went (RFC 9003), until it is back. */
  farewell: string;
  readonly counters: Mutable<PeerCounters>;
  lastNotificationSent?: NotificationStatus;
  lastNotificationReceived?: NotificationStatus;
  /** In the OPEN of the session that is Established, or was last. */
  capabilitiesSent: readonly Capability[];
  readonly endOfRibReceived: Set<Family>;
  readonly endOfRibSent: Set<Family>;
}

export function newPeerRecord(sinceUnixMs: number): PeerRecord {
  return {
    sinceUnixMs,
    info: '',
    farewell: '',
    counters: {
      established: 0,
      messagesReceived: 0,
      messagesSent: 0,
      updatesReceived: 0,
      updatesSent: 0,
      bytesReceived: 0,
      bytesSent: 0,
      treatedAsWithdraw: 0,
      attributesDiscarded: 0,
    },
    capabilitiesSent: [],
    endOfRibReceived: new Set(),
    endOfRibSent: new Set(),
  };
}

interface Described {
  readonly config: PeerConfig;
  readonly dynamicFrom: string | undefined;
  readonly record: PeerRecord;
  readonly main: Session;
  readonly negotiated: Negotiated | undefined;
  readonly staleDeadlineUnixMs: number | undefined;
  readonly longLivedDeadlineUnixMs: number | undefined;
  readonly heldBack: HeldBack;
  readonly prefixExcess: string;
  readonly withoutNextHop: readonly Family[];
  readonly bfd: BfdState | undefined;
}

/** In which an OPEN comes, if one comes at all. */
const SILENCE_MS = 10_000;

export function describePeer(
  peer: Described,
  speaker: SpeakerConfig,
  routes: PeerStatus['routes'],
  nowUnixMs: number,
): PeerStatus {
  const { config, record } = peer;
  return {
    key: config.key,
    type: config.type,
    name: config.name,
    address: config.address,
    port: config.port,
    asn: config.asn,
    localAsn: config.localAsn ?? speaker.asn,
    dynamicFrom: peer.dynamicFrom,
    state: peer.main.state.kind,
    sinceUnixMs: record.sinceUnixMs,
    routes,
    info: silence(peer, nowUnixMs) || infoOf(record) || (peer.negotiated === undefined ? '' : remarkOn(peer)),
    session: describeSession(peer),
    localAddressReason: config.localAddress === undefined ? 'chosen by the kernel' : 'configured',
    lastNotificationSent: record.lastNotificationSent,
    lastNotificationReceived: record.lastNotificationReceived,
    counters: { ...record.counters },
    staleDeadlineUnixMs: peer.staleDeadlineUnixMs,
    longLivedDeadlineUnixMs: peer.longLivedDeadlineUnixMs,
    ...(peer.heldBack === undefined ? {} : { heldBack: peer.heldBack }),
    ...(peer.withoutNextHop.length === 0 ? {} : { withoutNextHop: peer.withoutNextHop }),
    bfd: peer.bfd,
  };
}

/** What stands in the way, and what the peer said of it, once. */
function infoOf({ info, farewell }: PeerRecord): string {
  if (farewell === '' || info.includes(farewell)) return info;
  return info === '' ? `peer said ${farewell}` : `${info}; peer said ${farewell}`;
}

/** The hold timer that waits for an OPEN is one of minutes (RFC 4271 section 8.2.2), and says nothing meanwhile. */
function silence({ config, main, record }: Described, nowUnixMs: number): string {
  if (main.state.kind !== 'OpenSent' || nowUnixMs - record.sinceUnixMs < SILENCE_MS) return '';
  return config.ttlSecurityHops === undefined
    ? 'connected, and no OPEN comes'
    : 'connected, and no OPEN is heard: ttlSecurity is on here; does the peer send with TTL 255?';
}

/** On a session that is up, and not all that was hoped for. */
function remarkOn({ heldBack, prefixExcess, withoutNextHop, main: { connection } }: Described): string {
  const held = heldBack === undefined ? '' : heldBackWords(heldBack);
  const untold = connection === undefined ? '' : noNextHopWords(withoutNextHop, connection.localAddress);
  return [prefixExcess, held, untold].filter(part => part !== '').join('; ');
}

function describeSession(peer: Described): SessionStatus | undefined {
  const { negotiated, record } = peer;
  const { connection } = peer.main;
  if (negotiated === undefined || connection === undefined) return undefined;
  return {
    localAddress: connection.localAddress,
    localPort: connection.localPort,
    remotePort: connection.remotePort,
    remoteRouterId: negotiated.remoteRouterId,
    holdTimeSeconds: negotiated.holdTimeSeconds,
    keepaliveSeconds: negotiated.keepaliveSeconds,
    fourOctetAs: negotiated.fourOctetAs,
    families: negotiated.families,
    capabilitiesSent: record.capabilitiesSent.map(describeCapability),
    capabilitiesReceived: negotiated.remote.capabilities.map(describeCapability),
    gracefulRestart: negotiated.gracefulRestart,
    longLivedStale: [...negotiated.longLived].map(([family, { staleSeconds }]) => ({ family, staleSeconds })),
    routeRefresh: !negotiated.routeRefresh ? 'none' : negotiated.enhancedRouteRefresh ? 'enhanced' : 'plain',
    endOfRibReceived: [...record.endOfRibReceived],
    endOfRibSent: [...record.endOfRibSent],
  };
}

/** @param detail what only our own end knows, e.g. "expected 64512" */
export function notificationStatus(
  notification: Notification,
  detail: string,
  atUnixMs: number,
): NotificationStatus {
  const { code, subcode } = notification;
  const words = describeNotification(notification);
  return {
    code,
    subcode,
    words: detail === '' || words.includes(detail) ? words : `${words}: ${detail}`,
    atUnixMs,
  };
}
