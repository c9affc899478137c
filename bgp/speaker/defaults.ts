/**
 * What a peer is unless its owner says otherwise: the one place that knows, for the agent, the library, the bench and the tests. A new
 * field of {@link PeerConfig} gets its neutral value here.
 */
import type { SessionForms } from '../rib/contract.js';
import { MAX_MESSAGE_LENGTH } from '../wire/framer.js';
import type { PeerConfig, RoutePolicy, SpeakerConfig } from './contract.js';

export const acceptAll: RoutePolicy = { rules: [], otherwise: 'accept' };
export const rejectAll: RoutePolicy = { rules: [], otherwise: 'reject' };

export const speakerDefaults: Omit<SpeakerConfig, 'asn' | 'routerId'> = {
  listen: [],
  gracefulRestart: undefined,
  restarting: false,
  bmpStations: [],
  clusterId: undefined,
  ebgpRequiresPolicy: false,
  // Several full tables of the Internet, in about 2 GB at the most.
  limits: { routes: 10_000_000, attributeSets: 1_000_000, attributeBytes: 256 * 1024 * 1024 },
};

/** Who the peer is, and what only its owner can know. */
type Identity = 'key' | 'address' | 'asn' | 'families';

export const peerDefaults: Omit<PeerConfig, Identity> = {
  type: 'peer',
  name: '',
  port: 179,
  localAsn: undefined,
  localAddress: undefined,
  passive: false,
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: 5,
  delayOpenSeconds: undefined,
  idleHoldMaxSeconds: 60,
  ttl: 64,
  password: undefined,
  ttlSecurityHops: undefined,
  multihop: true,
  gracefulRestart: true,
  nextHopMode: 'auto',
  sharedSubnets: [],
  addPath: { receive: false, send: 0 },
  extendedNextHop: false,
  extendedMessages: false,
  interface: undefined,
  linkLocalAddress: undefined,
  routeReflectorClient: false,
  importPolicy: acceptAll,
  exportPolicy: acceptAll,
  role: undefined,
  roleStrict: false,
  maxPrefixes: {},
  ownAsnsAllowed: 0,
  enforceFirstAs: true,
  removePrivateAsns: false,
  gracefulShutdown: false,
  honourGracefulShutdown: true,
  administrativeState: 'up',
  administrativeMessage: '',
  restartTimeSeconds: undefined,
  notificationRestart: true,
  holdExpiryKeeps: false,
  longLivedStaleSeconds: undefined,
  sendHoldTimeSeconds: undefined,
  bfd: undefined,
};

/** What a session without any extension writes. */
export const plainForms: SessionForms = {
  addPath: { receive: [], send: [] },
  extendedNextHop: false,
  maxMessageLength: MAX_MESSAGE_LENGTH,
  interface: undefined,
};
