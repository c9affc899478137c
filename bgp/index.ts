/** `margay/bgp`: a BGP-4 speaker as a library. See docs/library.md. */
export type { Family } from './family.js';
export { type BestRoute, BestRoutes } from './library/best-routes.js';
export {
  createSpeaker,
  type EstablishedOutcome,
  type Listening,
  type Peer,
  type PeerRange,
  type Speaker,
  type Surroundings,
  type Waiting,
} from './library/create-speaker.js';
export { OptionError } from './library/option-values.js';
export type {
  AnnounceOptions,
  BmpStationOption,
  ListenOption,
  PeerOptions,
  SpeakerOptions,
} from './library/options.js';
export type { PeerRangeOptions } from './library/peer-range.js';
export type { PrefixLimitOption } from './library/policy-options.js';
export type { RoutePredicate } from './rib/contract.js';
export type {
  BfdState,
  BgpRole,
  NextHopStatus,
  PeerState,
  PeerStatus,
  RouteDetail,
  RouteOperation,
  RoutePolicy,
  RoutePolicyRule,
  RouteTable,
  SpeakerLimits,
} from './speaker/contract.js';
export type { Transport } from './speaker/transport.js';
