/** `margay/bgp`: a BGP-4 speaker as a library. See docs/library.md. */
export type { Family } from './family.js';
export { type BestRoute, BestRoutes } from './library/best-routes.js';
export {
  createSpeaker,
  type EstablishedOutcome,
  type Listening,
  type Peer,
  type Speaker,
  type Surroundings,
  type Waiting,
} from './library/create-speaker.js';
export {
  type AnnounceOptions,
  type BmpStationOption,
  type ListenOption,
  OptionError,
  type PeerOptions,
  type SpeakerOptions,
} from './library/options.js';
export type { RoutePredicate } from './rib/contract.js';
export type { NextHopStatus, PeerState, PeerStatus, RouteDetail, RouteTable } from './speaker/contract.js';
export type { Transport } from './speaker/transport.js';
