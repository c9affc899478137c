/** Numbers that IANA keeps for BGP, by the names of their registries. */

/** RFC 4271 section 4.1, RFC 2918. */
export const MessageType = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;

/** RFC 4271 section 4.5, RFC 7313, RFC 9687. */
export const ErrorCode = {
  messageHeader: 1,
  open: 2,
  update: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  routeRefresh: 7,
  sendHoldTimerExpired: 8,
} as const;

/** RFC 4271 section 6.1. */
export const HeaderError = { connectionNotSynchronized: 1, badMessageLength: 2, badMessageType: 3 } as const;

/** RFC 4271 section 6.2, RFC 5492, RFC 9234. */
export const OpenError = {
  unspecific: 0,
  unsupportedVersion: 1,
  badPeerAs: 2,
  badBgpIdentifier: 3,
  unsupportedOptionalParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7,
  roleMismatch: 11,
} as const;

/** RFC 4271 section 6.3. */
export const UpdateError = {
  malformedAttributeList: 1,
  unrecognizedWellKnownAttribute: 2,
  missingWellKnownAttribute: 3,
  attributeFlagsError: 4,
  attributeLengthError: 5,
  invalidOrigin: 6,
  invalidNextHop: 8,
  optionalAttributeError: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

/** RFC 6608. */
export const FsmError = {
  unspecific: 0,
  unexpectedMessageInOpenSent: 1,
  unexpectedMessageInOpenConfirm: 2,
  unexpectedMessageInEstablished: 3,
} as const;

/** RFC 7313. */
export const RouteRefreshError = { invalidMessageLength: 1 } as const;

/** RFC 4486, RFC 8538, RFC 9384. */
export const CeaseError = {
  maximumPrefixesReached: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

/** RFC 5492 registry. */
export const CapabilityCode = {
  multiprotocol: 1,
  routeRefresh: 2,
  extendedNextHop: 5,
  extendedMessage: 6,
  role: 9,
  gracefulRestart: 64,
  fourOctetAs: 65,
  addPath: 69,
  enhancedRouteRefresh: 70,
  longLivedGracefulRestart: 71,
} as const;

/** RFC 4271 section 5, and where each later one was defined. */
export const AttributeType = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  multiExitDisc: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  /** RFC 1997 */
  communities: 8,
  /** RFC 4456 */
  originatorId: 9,
  clusterList: 10,
  /** RFC 4760 */
  mpReachNlri: 14,
  mpUnreachNlri: 15,
  /** RFC 4360 */
  extendedCommunities: 16,
  /** RFC 6793 */
  as4Path: 17,
  as4Aggregator: 18,
  /** RFC 8092 */
  largeCommunities: 32,
  /** RFC 9234 */
  onlyToCustomer: 35,
} as const;

/** RFC 4271 section 4.3: the high four bits of an attribute's flags. */
export const AttributeFlag = {
  optional: 0x80,
  transitive: 0x40,
  partial: 0x20,
  extendedLength: 0x10,
} as const;

/** RFC 4271 section 5.1.1. */
export const Origin = { igp: 0, egp: 1, incomplete: 2 } as const;

/** RFC 4271 section 4.3, RFC 5065. */
export const AsPathSegmentType = {
  asSet: 1,
  asSequence: 2,
  confederationSequence: 3,
  confederationSet: 4,
} as const;

/** RFC 4760: Address Family Identifiers. */
export const Afi = { ipv4: 1, ipv6: 2 } as const;

/** RFC 4760: Subsequent Address Family Identifiers. */
export const Safi = { unicast: 1 } as const;

/** RFC 9234 section 4.1: the values of the BGP Role capability. */
export const RoleValue = { provider: 0, rs: 1, 'rs-client': 2, customer: 3, peer: 4 } as const;

/** RFC 1997, RFC 8326, RFC 9494. */
export const WellKnownCommunity = {
  gracefulShutdown: 0xffff0000,
  llgrStale: 0xffff0006,
  noLlgr: 0xffff0007,
  noExport: 0xffffff01,
  noAdvertise: 0xffffff02,
  noExportSubconfed: 0xffffff03,
} as const;

/** RFC 6396 section 4: types of MRT records. */
export const MrtType = { tableDumpV2: 13, bgp4mpEt: 17 } as const;

/** RFC 6396 section 4.3, RFC 8050 section 4. */
export const TableDumpSubtype = {
  peerIndexTable: 1,
  ribIpv4Unicast: 2,
  ribIpv6Unicast: 4,
  ribIpv4UnicastAddPath: 8,
  ribIpv6UnicastAddPath: 10,
} as const;

/** RFC 6396 section 4.4, RFC 8050 section 3. */
export const Bgp4mpSubtype = {
  message: 1,
  messageAs4: 4,
  stateChangeAs4: 5,
  messageAddPath: 8,
  messageAs4AddPath: 9,
} as const;

/** RFC 7854 section 10.1. */
export const BmpMessageType = {
  routeMonitoring: 0,
  statisticsReport: 1,
  peerDown: 2,
  peerUp: 3,
  initiation: 4,
  termination: 5,
} as const;

/** RFC 7854 section 10.3. */
export const BmpInformation = { string: 0, sysDescr: 1, sysName: 2 } as const;

/** RFC 7854 section 10.4. */
export const BmpTermination = { string: 0, reason: 1 } as const;

/** RFC 7854 section 10.5. */
export const BmpTerminationReason = { administrativelyClosed: 0, outOfResources: 2 } as const;

/** RFC 7854 section 10.6. */
export const BmpStatistic = {
  rejectedByPolicy: 0,
  adjRibInRoutes: 7,
  locRibRoutes: 8,
  treatedAsWithdraw: 11,
} as const;

/** RFC 7854 section 10.7. */
export const BmpPeerDownReason = {
  localNotification: 1,
  localWithoutNotification: 2,
  remoteNotification: 3,
  remoteWithoutNotification: 4,
  deconfigured: 5,
} as const;

/** RFC 4273 (bgpPeerState), RFC 6396 section 4.4.1. */
export const FsmStateNumber = {
  Idle: 1,
  Connect: 2,
  Active: 3,
  OpenSent: 4,
  OpenConfirm: 5,
  Established: 6,
} as const;
