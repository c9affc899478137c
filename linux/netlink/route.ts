/**
 * Routes on rtnetlink, pure (linux/rtnetlink.h, struct rtmsg and struct rtnexthop).
 *
 *     rtmsg:     family, dst_len, src_len, tos, table, protocol, scope, type (8 bits each), flags (32)
 *     rtnexthop: length (16), flags (8), hops (8), ifindex (32), then attributes
 */
import {
  addressFromBytes,
  addressToBytes,
  type IpAddress,
  type Ipv4Address,
  ipv4ToNumber,
} from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength, prefixOf } from '../../core/prefix.js';
import {
  AddressFamilyNumber,
  NextHopFlag,
  RouteAttribute,
  RouteFlag,
  RouteMetric,
  RouteScope,
  RouteTable,
  RouteType,
} from './constants.js';
import { eachAttribute, type Message, type MessageWriter, readU32 } from './message.js';

export interface NextHop {
  readonly gateway: IpAddress | undefined;
  /** 0: none was given. */
  readonly ifindex: number;
  readonly onlink: boolean;
  /** 1 to 256. */
  readonly weight: number;
  /** RTNH_F_DEAD or RTNH_F_LINKDOWN, as the kernel reports it. */
  readonly dead: boolean;
}

export interface Route {
  readonly destination: Prefix;
  /** One for a plain route, several for a multipath one, none for a blackhole. */
  readonly nextHops: readonly NextHop[];
  readonly preferredSource: IpAddress | undefined;
  /** RTA_PRIORITY; 0 if absent. */
  readonly metric: number;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  /** RTN_*: unicast 1, blackhole 6, ... */
  readonly type: number;
  readonly tos: number;
  readonly mtu: number | undefined;
  /** A route cache entry or exception, not of the table. */
  readonly cloned: boolean;
}

/** The payload of RTM_NEWROUTE. Hot path for IPv4 routes with one next hop. */
export function writeRoute(writer: MessageWriter, route: Route): void {
  const { nextHops } = route;
  const only = nextHops.length === 1 ? nextHops[0]! : undefined;
  const flags = only?.onlink === true ? NextHopFlag.onlink : 0;
  writeHeader(writer, route, flags);
  writeAddressed(writer, RouteAttribute.destination, prefixAddress(route.destination));
  if (only !== undefined) {
    if (only.gateway !== undefined) writeAddressed(writer, RouteAttribute.gateway, only.gateway);
    if (only.ifindex !== 0) writer.attributeU32(RouteAttribute.outputInterface, only.ifindex);
  } else if (nextHops.length > 1) writeMultipath(writer, nextHops);
  if (route.preferredSource !== undefined)
    writeAddressed(writer, RouteAttribute.preferredSource, route.preferredSource);
  if (route.metric !== 0) writer.attributeU32(RouteAttribute.priority, route.metric);
  if (route.table > 255) writer.attributeU32(RouteAttribute.table, route.table);
  const { mtu } = route;
  if (mtu !== undefined)
    writer.nested(RouteAttribute.metrics, inner => inner.attributeU32(RouteMetric.mtu, mtu));
}

/** What RTM_DELROUTE needs to hit this route and no other: its key, its protocol and its type. */
export function writeRouteKey(writer: MessageWriter, route: Route): void {
  writeHeader(writer, route, 0);
  writeAddressed(writer, RouteAttribute.destination, prefixAddress(route.destination));
  if (route.metric !== 0) writer.attributeU32(RouteAttribute.priority, route.metric);
  if (route.table > 255) writer.attributeU32(RouteAttribute.table, route.table);
}

/** RTM_GETROUTE for a dump of one protocol's routes of one family, as NETLINK_GET_STRICT_CHK lets the kernel filter. */
export function writeRouteFilter(
  writer: MessageWriter,
  filter: { readonly family: 'ipv4' | 'ipv6'; readonly table: number; readonly protocol: number },
): void {
  const family = filter.family === 'ipv4' ? AddressFamilyNumber.ipv4 : AddressFamilyNumber.ipv6;
  writer.u8(family).u8(0).u8(0).u8(0);
  writer.u8(filter.table > 255 ? RouteTable.unspecified : filter.table).u8(filter.protocol);
  writer.u8(0).u8(0).u32(0);
  if (filter.table > 255) writer.attributeU32(RouteAttribute.table, filter.table);
}

function writeHeader(writer: MessageWriter, route: Route, flags: number): void {
  const ipv4 = prefixFamily(route.destination) === 'ipv4';
  writer
    .u8(ipv4 ? AddressFamilyNumber.ipv4 : AddressFamilyNumber.ipv6)
    .u8(prefixLength(route.destination))
    .u8(0)
    .u8(route.tos)
    .u8(route.table > 255 ? RouteTable.unspecified : route.table)
    .u8(route.protocol)
    .u8(route.scope)
    .u8(route.type)
    .u32(flags);
}

function writeAddressed(writer: MessageWriter, type: number, address: IpAddress): void {
  if (address.includes(':')) writer.attributeBytes(type, addressToBytes(address));
  else
    writer
      .u16(8)
      .u16(type)
      .u32Network(ipv4ToNumber(address as Ipv4Address));
}

function writeMultipath(writer: MessageWriter, nextHops: readonly NextHop[]): void {
  writer.nested(RouteAttribute.multipath, () => {
    for (const { gateway, ifindex, onlink, weight } of nextHops) {
      writer.sized(() => {
        writer
          .u8(onlink ? NextHopFlag.onlink : 0)
          .u8(weight - 1)
          .u32(ifindex);
        if (gateway !== undefined) writeAddressed(writer, RouteAttribute.gateway, gateway);
      });
    }
  });
}

/** From RTM_NEWROUTE or RTM_DELROUTE; undefined for families that are neither IPv4 nor IPv6. */
export function parseRoute(message: Message): Route | undefined {
  const { bytes, start, end } = message;
  const family = bytes[start]!;
  if (family !== AddressFamilyNumber.ipv4 && family !== AddressFamilyNumber.ipv6) return undefined;
  const name = family === AddressFamilyNumber.ipv4 ? 'ipv4' : 'ipv6';
  const flags = readU32(bytes, start + 8);
  const address = (at: number) => addressFromBytes(name, bytes, at);
  let destination = address0(name);
  let gateway: IpAddress | undefined;
  let preferredSource: IpAddress | undefined;
  let table = bytes[start + 4]!;
  let [ifindex, metric] = [0, 0];
  let mtu: number | undefined;
  let multipath: NextHop[] | undefined;
  eachAttribute(bytes, start + 12, end, (type, from, to) => {
    switch (type) {
      case RouteAttribute.destination:
        destination = address(from);
        break;
      case RouteAttribute.gateway:
        gateway = address(from);
        break;
      case RouteAttribute.via:
        gateway = parseVia(bytes, from);
        break;
      case RouteAttribute.outputInterface:
        ifindex = readU32(bytes, from);
        break;
      case RouteAttribute.priority:
        metric = readU32(bytes, from);
        break;
      case RouteAttribute.preferredSource:
        preferredSource = address(from);
        break;
      case RouteAttribute.table:
        table = readU32(bytes, from);
        break;
      case RouteAttribute.metrics:
        eachAttribute(bytes, from, to, (metricType, at) => {
          if (metricType === RouteMetric.mtu) mtu = readU32(bytes, at);
        });
        break;
      case RouteAttribute.multipath:
        multipath = parseMultipath(name, bytes, from, to);
        break;
    }
  });
  const nextHops =
    multipath ??
    (gateway === undefined && ifindex === 0
      ? []
      : [{ gateway, ifindex, onlink: (flags & NextHopFlag.onlink) !== 0, weight: 1, dead: isDead(flags) }]);
  return {
    destination: prefixOf(destination, bytes[start + 1]!),
    nextHops,
    preferredSource,
    metric,
    table,
    protocol: bytes[start + 5]!,
    scope: bytes[start + 6]!,
    type: bytes[start + 7]!,
    tos: bytes[start + 3]!,
    mtu,
    cloned: (flags & RouteFlag.cloned) !== 0,
  };
}

function address0(family: 'ipv4' | 'ipv6'): IpAddress {
  return (family === 'ipv4' ? '0.0.0.0' : '::') as IpAddress;
}

const isDead = (flags: number) => (flags & (NextHopFlag.dead | NextHopFlag.linkdown)) !== 0;

/** struct rtvia: a gateway of the other family (RFC 5549 routes). */
function parseVia(bytes: Uint8Array, from: number): IpAddress {
  const ipv6 = bytes[from] === AddressFamilyNumber.ipv6;
  return addressFromBytes(ipv6 ? 'ipv6' : 'ipv4', bytes, from + 2);
}

function parseMultipath(family: 'ipv4' | 'ipv6', bytes: Uint8Array, start: number, end: number): NextHop[] {
  const nextHops: NextHop[] = [];
  for (let at = start; at + 8 <= end; ) {
    const length = bytes[at]! | (bytes[at + 1]! << 8);
    if (length < 8 || at + length > end) break;
    let gateway: IpAddress | undefined;
    eachAttribute(bytes, at + 8, at + length, (type, from) => {
      if (type === RouteAttribute.gateway) gateway = addressFromBytes(family, bytes, from);
      if (type === RouteAttribute.via) gateway = parseVia(bytes, from);
    });
    const flags = bytes[at + 2]!;
    nextHops.push({
      gateway,
      ifindex: readU32(bytes, at + 4),
      onlink: (flags & NextHopFlag.onlink) !== 0,
      weight: bytes[at + 3]! + 1,
      dead: isDead(flags),
    });
    at += (length + 3) & ~3;
  }
  return nextHops;
}

/** Defaults of a route in the main table; the rest is its owner's. */
export const plainRoute = {
  preferredSource: undefined,
  metric: 0,
  table: RouteTable.main,
  scope: RouteScope.universe,
  type: RouteType.unicast,
  tos: 0,
  mtu: undefined,
  cloned: false,
} as const;
