/**
 * IFLA_LINKINFO of the tunnels that are made here, pure (linux/if_tunnel.h IFLA_IPTUN_*, linux/if_link.h IFLA_VXLAN_*):
 *
 *     IFLA_LINKINFO { IFLA_INFO_KIND "ipip" | "vxlan", IFLA_INFO_DATA { the kind's own attributes } }
 */
import { assertNever } from '../../core/assert-never.js';
import {
  addressFamily,
  addressFromBytes,
  addressToBytes,
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
} from '../../core/ip-address.js';
import { IptunAttribute, LinkAttribute, LinkInfoAttribute, VxlanAttribute } from './constants.js';
import type { TunnelParameters } from './link.js';
import { eachAttribute, type MessageWriter, readText, readU32 } from './message.js';

/** What a tunnel device is made with. */
export function writeNewTunnel(writer: MessageWriter, tunnel: TunnelParameters): void {
  writeLinkInfo(writer, tunnel.kind, () => {
    switch (tunnel.kind) {
      case 'ipip':
        writeIpip(writer, tunnel);
        break;
      case 'vxlan':
        writer
          .attributeU32(VxlanAttribute.id, tunnel.vni)
          .attributeU16Network(VxlanAttribute.port, tunnel.port)
          .attributeU8(VxlanAttribute.learning, tunnel.learning ? 1 : 0);
        if (tunnel.local !== undefined) writeVxlanLocal(writer, tunnel.local);
        if (tunnel.parentIfindex !== 0) writer.attributeU32(VxlanAttribute.link, tunnel.parentIfindex);
        break;
      default:
        assertNever(tunnel);
    }
  });
}

/** What a tunnel device is changed to. The kernel refuses to be told a VXLAN device's port, even the same: it is left out. */
export function writeTunnelChange(writer: MessageWriter, tunnel: TunnelParameters): void {
  writeLinkInfo(writer, tunnel.kind, () => {
    switch (tunnel.kind) {
      case 'ipip':
        writeIpip(writer, tunnel);
        break;
      case 'vxlan':
        // What is left out stays as it was, so an address that is to be any is written as that.
        writeVxlanLocal(writer, tunnel.local ?? ANY);
        writer
          .attributeU32(VxlanAttribute.id, tunnel.vni)
          .attributeU8(VxlanAttribute.learning, tunnel.learning ? 1 : 0);
        if (tunnel.parentIfindex !== 0) writer.attributeU32(VxlanAttribute.link, tunnel.parentIfindex);
        break;
      default:
        assertNever(tunnel);
    }
  });
}

/** The same for both: what is left out becomes 0 in an IPIP device also when it is changed, and path MTU discovery becomes on. */
function writeIpip(writer: MessageWriter, tunnel: TunnelParameters & { kind: 'ipip' }): void {
  if (tunnel.local !== undefined) writeAddress(writer, IptunAttribute.local, tunnel.local);
  if (tunnel.remote !== undefined) writeAddress(writer, IptunAttribute.remote, tunnel.remote);
  writer
    .attributeU8(IptunAttribute.ttl, tunnel.ttl)
    .attributeU8(IptunAttribute.pathMtuDiscovery, tunnel.pathMtuDiscovery ? 1 : 0);
}

function writeLinkInfo(writer: MessageWriter, kind: string, writeData: () => void): void {
  writer.nested(LinkAttribute.linkInfo, info =>
    info
      .attributeBytes(LinkInfoAttribute.kind, new TextEncoder().encode(kind))
      .nested(LinkInfoAttribute.data, writeData),
  );
}

const ANY = '0.0.0.0' as Ipv4Address;
const ANY_IPV6 = '::' as Ipv6Address;

function writeVxlanLocal(writer: MessageWriter, local: IpAddress): void {
  const type = addressFamily(local) === 'ipv4' ? VxlanAttribute.local : VxlanAttribute.local6;
  writeAddress(writer, type, local);
}

function writeAddress(writer: MessageWriter, type: number, address: IpAddress): void {
  writer.attributeBytes(type, addressToBytes(address));
}

export interface LinkInfo {
  readonly kind: string;
  readonly tunnel: TunnelParameters | undefined;
}

/** The value of IFLA_LINKINFO. */
export function parseLinkInfo(bytes: Uint8Array, start: number, end: number): LinkInfo {
  let kind = '';
  let [dataStart, dataEnd] = [0, 0];
  eachAttribute(bytes, start, end, (type, from, to) => {
    if (type === LinkInfoAttribute.kind) kind = readText(bytes, from, to);
    else if (type === LinkInfoAttribute.data) [dataStart, dataEnd] = [from, to];
  });
  if (kind === 'ipip') return { kind, tunnel: parseIpip(bytes, dataStart, dataEnd) };
  if (kind === 'vxlan') return { kind, tunnel: parseVxlan(bytes, dataStart, dataEnd) };
  return { kind, tunnel: undefined };
}

function parseIpip(bytes: Uint8Array, start: number, end: number): TunnelParameters {
  let local: Ipv4Address | undefined;
  let remote: Ipv4Address | undefined;
  let pathMtuDiscovery = false;
  let ttl = 0;
  eachAttribute(bytes, start, end, (type, from) => {
    if (type === IptunAttribute.local) local = readAddress(bytes, from);
    else if (type === IptunAttribute.remote) remote = readAddress(bytes, from);
    else if (type === IptunAttribute.ttl) ttl = bytes[from]!;
    else if (type === IptunAttribute.pathMtuDiscovery) pathMtuDiscovery = bytes[from] !== 0;
  });
  return { kind: 'ipip', local, remote, pathMtuDiscovery, ttl };
}

function parseVxlan(bytes: Uint8Array, start: number, end: number): TunnelParameters {
  let local: IpAddress | undefined;
  let [vni, port, parentIfindex] = [0, 0, 0];
  let learning = false;
  eachAttribute(bytes, start, end, (type, from) => {
    if (type === VxlanAttribute.id) vni = readU32(bytes, from);
    else if (type === VxlanAttribute.port) port = (bytes[from]! << 8) | bytes[from + 1]!;
    else if (type === VxlanAttribute.local) local = readAddress(bytes, from);
    else if (type === VxlanAttribute.local6) local = readIpv6Address(bytes, from);
    else if (type === VxlanAttribute.learning) learning = bytes[from] !== 0;
    else if (type === VxlanAttribute.link) parentIfindex = readU32(bytes, from);
  });
  return { kind: 'vxlan', vni, port, local, learning, parentIfindex };
}

/** Undefined for 0.0.0.0, which says "any". */
function readAddress(bytes: Uint8Array, at: number): Ipv4Address | undefined {
  const address = addressFromBytes('ipv4', bytes, at) as Ipv4Address;
  return address === ANY ? undefined : address;
}

/** Undefined for "::", which says "any". */
function readIpv6Address(bytes: Uint8Array, at: number): IpAddress | undefined {
  const address = addressFromBytes('ipv6', bytes, at);
  return address === ANY_IPV6 ? undefined : address;
}
