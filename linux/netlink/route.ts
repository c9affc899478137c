/**
 * Routes on rtnetlink, pure (linux/rtnetlink.h, struct rtmsg and struct rtnexthop).
 *
 *     rtmsg:     family, dst_len, src_len, tos, table, protocol, scope, type (8 bits each), flags (32)
 *     rtnexthop: length (16), flags (8), hops (8), ifindex (32), then attributes
 */
import {
  type AddressFamily,
  addressFamily,
  addressFromBytes,
  addressToBytes,
  type IpAddress,
  type Ipv4Address,
  ipv4ToNumber,
} from '../../core/ip-address.js';
import {
  ipv4PrefixToNumber,
  type Prefix,
  prefixAddress,
  prefixFamily,
  prefixLength,
  prefixOf,
} from '../../core/prefix.js';
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
import { eachAttribute, type Message, MessageWriter, readU32 } from './message.js';

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

/** What a route does, without its destination. One object may serve any number of routes, and must not change. */
export interface RouteForm {
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
}

export interface Route extends RouteForm {
  readonly destination: Prefix;
  /** A route cache entry or exception, not of the table. */
  readonly cloned: boolean;
}

/** A form as bytes for one family of destination: everything of a payload but dst_len and RTA_DST. */
interface Payload {
  readonly header: Uint8Array;
  readonly attributes: Uint8Array;
}

type Payloads = Readonly<Record<AddressFamily, Payload>>;

const payloads = new WeakMap<RouteForm, Payloads>();
const keyPayloads = new WeakMap<RouteForm, Payloads>();

/** The payload of RTM_NEWROUTE. Hot path: a form is put into bytes once. */
export function writeRoute(writer: MessageWriter, destination: Prefix, form: RouteForm): void {
  let payload = payloads.get(form);
  if (payload === undefined) {
    const only = form.nextHops.length === 1 ? form.nextHops[0]! : undefined;
    const flags = only?.onlink === true ? NextHopFlag.onlink : 0;
    payload = compile(form, flags, writeAttributes);
    payloads.set(form, payload);
  }
  writePayload(writer, destination, payload);
}

/** What RTM_DELROUTE needs to hit this route and no other: its key and its protocol. */
export function writeRouteKey(writer: MessageWriter, destination: Prefix, form: RouteForm): void {
  let payload = keyPayloads.get(form);
  if (payload === undefined) {
    // RT_SCOPE_NOWHERE and RTN_UNSPEC: whatever its scope and type.
    payload = compile(
      { ...form, scope: RouteScope.nowhere, type: RouteType.unspecified },
      0,
      writeKeyAttributes,
    );
    keyPayloads.set(form, payload);
  }
  writePayload(writer, destination, payload);
}

function compile(
  form: RouteForm,
  flags: number,
  attributes: (writer: MessageWriter, form: RouteForm, family: AddressFamily) => void,
): Payloads {
  const payload = (family: AddressFamily) => ({
    header: written(writer => writeHeader(writer, AddressFamilyNumber[family], form, flags)),
    attributes: written(writer => attributes(writer, form, family)),
  });
  return { ipv4: payload('ipv4'), ipv6: payload('ipv6') };
}

function written(write: (writer: MessageWriter) => void): Uint8Array {
  const writer = new MessageWriter(256);
  write(writer);
  return writer.finish().slice();
}

function writeAttributes(writer: MessageWriter, form: RouteForm, family: AddressFamily): void {
  const { nextHops, preferredSource, mtu } = form;
  const only = nextHops.length === 1 ? nextHops[0]! : undefined;
  if (only !== undefined) {
    if (only.gateway !== undefined) writeGateway(writer, only.gateway, family);
    if (only.ifindex !== 0) writer.attributeU32(RouteAttribute.outputInterface, only.ifindex);
  } else if (nextHops.length > 1) writeMultipath(writer, nextHops, family);
  if (preferredSource !== undefined) writeAddressed(writer, RouteAttribute.preferredSource, preferredSource);
  writeKeyAttributes(writer, form);
  if (mtu !== undefined)
    writer.nested(RouteAttribute.metrics, inner => inner.attributeU32(RouteMetric.mtu, mtu));
}

function writeKeyAttributes(writer: MessageWriter, { metric, table }: RouteForm): void {
  if (metric !== 0) writer.attributeU32(RouteAttribute.priority, metric);
  if (table > 255) writer.attributeU32(RouteAttribute.table, table);
}

function writePayload(writer: MessageWriter, destination: Prefix, payloadsOfForm: Payloads): void {
  if (prefixFamily(destination) === 'ipv6') {
    const { header, attributes } = payloadsOfForm.ipv6;
    header[DST_LEN_AT] = prefixLength(destination);
    writer
      .raw(header)
      .attributeBytes(RouteAttribute.destination, addressToBytes(prefixAddress(destination)))
      .raw(attributes);
    return;
  }
  const { header, attributes } = payloadsOfForm.ipv4;
  const number = ipv4PrefixToNumber(destination);
  header[DST_LEN_AT] = number & 63;
  writer
    .raw(header)
    .u16(8)
    .u16(RouteAttribute.destination)
    .u32Network((number / 64) >>> 0)
    .raw(attributes);
}

/** Of rtmsg. */
const DST_LEN_AT = 1;

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

function writeHeader(writer: MessageWriter, family: number, form: RouteForm, flags: number): void {
  writer
    .u8(family)
    .u8(0)
    .u8(0)
    .u8(form.tos)
    .u8(form.table > 255 ? RouteTable.unspecified : form.table)
    .u8(form.protocol)
    .u8(form.scope)
    .u8(form.type)
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

/** RTA_GATEWAY, or RTA_VIA (struct rtvia) where it is of the other family: IPv4 by IPv6 neighbours, RFC 8950, since Linux 5.2. */
function writeGateway(writer: MessageWriter, gateway: IpAddress, family: AddressFamily): void {
  if (addressFamily(gateway) === family) {
    writeAddressed(writer, RouteAttribute.gateway, gateway);
    return;
  }
  const bytes = addressToBytes(gateway);
  const via = new Uint8Array(2 + bytes.length);
  via[0] = AddressFamilyNumber[addressFamily(gateway)];
  via.set(bytes, 2);
  writer.attributeBytes(RouteAttribute.via, via);
}

function writeMultipath(writer: MessageWriter, nextHops: readonly NextHop[], family: AddressFamily): void {
  writer.nested(RouteAttribute.multipath, () => {
    for (const { gateway, ifindex, onlink, weight } of nextHops) {
      writer.sized(() => {
        writer
          .u8(onlink ? NextHopFlag.onlink : 0)
          .u8(weight - 1)
          .u32(ifindex);
        if (gateway !== undefined) writeGateway(writer, gateway, family);
      });
    }
  });
}

/** rtm_protocol of a message that {@link parseRoute} would read. */
export function routeProtocol({ bytes, start }: Message): number {
  return bytes[start + 5]!;
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

/** struct rtvia: a gateway of the other family (RFC 8950). */
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
export const plainForm = {
  preferredSource: undefined,
  metric: 0,
  table: RouteTable.main,
  scope: RouteScope.universe,
  type: RouteType.unicast,
  tos: 0,
  mtu: undefined,
} as const;
