/** Whether a rule matches a packet: each field by itself, and all of them must hold. */
import { type AddressFamily, addressBits, addressFamily, type IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixOf } from '../../core/prefix.js';
import type { PortRange, SetId } from '../model.js';
import {
  type AddressSet,
  type IcmpMatch,
  memberOf,
  type Packet,
  type Rule,
  type RuleSide,
} from '../model.js';

type Sets = ReadonlyMap<SetId, AddressSet>;

export function ruleMatches(rule: Rule, packet: Packet, sets: Sets): boolean {
  const family = addressFamily(packet.source);
  return (
    (rule.family === undefined || rule.family === family) &&
    (rule.protocol === undefined || rule.protocol === packet.protocol) &&
    rule.notProtocol !== packet.protocol &&
    (rule.icmp === undefined || icmpMatches(rule.icmp, packet, family)) &&
    (rule.notIcmp === undefined || !icmpMatches(rule.notIcmp, packet, family)) &&
    sideMatches(rule.source, packet.source, packet.sourcePort, packet, sets) &&
    sideMatches(rule.destination, packet.destination, packet.destinationPort, packet, sets)
  );
}

function icmpMatches(match: IcmpMatch, { protocol, icmp }: Packet, family: AddressFamily): boolean {
  return (
    protocol === icmpOf[family] &&
    icmp?.type === match.type &&
    (match.code === undefined || icmp.code === match.code)
  );
}

/** IANA protocol numbers. */
export const icmpOf: Readonly<Record<AddressFamily, number>> = { ipv4: 1, ipv6: 58 };

function sideMatches(
  side: RuleSide,
  address: IpAddress,
  port: number | undefined,
  packet: Packet,
  sets: Sets,
): boolean {
  const within = (net: Prefix) => prefixContainsAddress(net, address);
  const inSet = (id: SetId) => setHas(sets.get(id), address);
  const isPort = ({ min, max }: PortRange) => port !== undefined && min <= port && port <= max;
  const isNamed = (id: SetId) =>
    port !== undefined && portsOf(sets.get(id)).has(memberOf(address, packet.protocol, port));
  return (
    (side.nets.length === 0 || side.nets.some(within)) &&
    !side.notNets.some(within) &&
    side.sets.every(inSet) &&
    !side.notSets.some(inSet) &&
    ((side.ports.length === 0 && side.namedPorts.length === 0) ||
      side.ports.some(isPort) ||
      side.namedPorts.some(isNamed)) &&
    !side.notPorts.some(isPort) &&
    !side.notNamedPorts.some(isNamed)
  );
}

/** By asking for every prefix that contains the address. */
function setHas(set: AddressSet | undefined, address: IpAddress): boolean {
  if (set?.kind !== 'nets') return false;
  for (let length = 0; length <= addressBits(addressFamily(address)); length++)
    if (set.members.has(prefixOf(address, length))) return true;
  return false;
}

function portsOf(set: AddressSet | undefined): ReadonlySet<string> {
  return set?.kind === 'ports' ? set.members : new Set();
}
