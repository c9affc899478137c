/** What a packet carries, as people write it (pure): `5432/tcp`, and of ICMP the type, or `TYPE/CODE`. */
import { type Cargo, ofFamily, type Party } from './journey.js';

const protocols = { tcp: 6, udp: 17, sctp: 132, udplite: 136 } as const;
type ProtocolName = keyof typeof protocols;

const PORT = /^(\d{1,5})\/(tcp|udp|sctp|udplite)$/i;

export const portAllowed = 'a port and its protocol, such as 5432/tcp or 53/udp';
export const icmpAllowed = 'an ICMP type, such as 8, or type and code, such as 3/4';

export function isPort(text: string): boolean {
  const port = Number(PORT.exec(text)?.[1] ?? 0);
  return port >= 1 && port <= 65_535;
}

export function isIcmp(text: string): boolean {
  return /^\d{1,3}(\/\d{1,3})?$/.test(text) && text.split('/').every(part => Number(part) <= 255);
}

/** Either of them, as {@link isPort} and {@link isIcmp} let through; with neither: an echo request. */
export interface WrittenCargo {
  readonly port?: string | undefined;
  readonly icmp?: string | undefined;
}

/** A source port that no rule speaks of by chance. */
const SOURCE_PORT = 49_152;
const ECHO_REQUEST = { ipv4: 8, ipv6: 128 } as const;

export function cargoOf({ port, icmp }: WrittenCargo, from: Party, to: Party): Cargo {
  if (port !== undefined) {
    const [number, name] = port.toLowerCase().split('/') as [string, ProtocolName];
    return { protocol: protocols[name], sourcePort: SOURCE_PORT, destinationPort: Number(number) };
  }
  const onlyIpv6 = [from, to].some(party => ofFamily(party, 'ipv4') === undefined);
  if (icmp === undefined) {
    const type = ECHO_REQUEST[onlyIpv6 ? 'ipv6' : 'ipv4'];
    return { protocol: onlyIpv6 ? 58 : 1, icmp: { type, code: 0 } };
  }
  const [type = 0, code = 0] = icmp.split('/').map(Number);
  // The types of messages of both protocols are written alike; what is asked in ICMPv6 begins with 128.
  return { protocol: type >= 128 || onlyIpv6 ? 58 : 1, icmp: { type, code } };
}
