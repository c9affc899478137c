/** `margay/bgp/wire`: the BGP-4 codec on its own. Bytes in, plain data out, and back; no sockets, no state. */
export * from '../iana.js';
export {
  type AsPath,
  type AsPathSegment,
  asPathLength,
  countAsn,
  emptyAsPath,
  firstAsn,
  formatAsPath,
  prependAsn,
} from './attributes/as-path.js';
export type {
  Aggregator,
  LargeCommunity,
  MpReach,
  MpUnreach,
  PathAttributes,
  UnknownAttribute,
} from './attributes/attributes.js';
export { type DecodedAttributes, decodeAttributes, encodeAttributes } from './attributes/codec.js';
export type { AttributeContext, Disposition } from './attributes/entry.js';
export {
  type AttributeProblem,
  fatalProblem,
  missingAttributes,
  strongestDisposition,
} from './attributes/problems.js';
export { attributeName } from './attributes/table.js';
export {
  AddPathDirection,
  type Capability,
  describeCapability,
  familyNumbers,
  familyOfNumbers,
} from './capabilities.js';
export {
  frameLength,
  frameType,
  HEADER_LENGTH,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MAX_MESSAGE_LENGTH,
} from './framer.js';
export { encodeKeepalive } from './keepalive.js';
export { BgpMessageError } from './message-error.js';
export { decodeNlri, decodePathNlri, encodeNlri, type PathPrefix } from './nlri.js';
export {
  decodeNotification,
  describeNotification,
  encodeNotification,
  encodeShutdownCommunication,
  type Notification,
  shutdownCommunication,
} from './notification.js';
export { decodeOpen, encodeOpen, type Open } from './open.js';
export { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from './route-refresh.js';
export {
  decodeUpdate,
  encodeEndOfRib,
  encodeUpdate,
  newUpdateFields,
  type PathIds,
  scanUpdate,
  type Update,
  type UpdateFields,
} from './update.js';
export { Writer } from './writer.js';
