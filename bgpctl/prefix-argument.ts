/**
 * A prefix as people type it: with host bits (`10.244.2.7/24`), in capitals, in the long forms of IPv6, or a plain address for its host
 * route. The agent behind takes canonical text only.
 */
import ip6addr from 'ip6addr';
import { addressBits, parseIpAddress } from '../core/ip-address.js';
import { isPrefix, type Prefix, parsePrefix } from '../core/prefix.js';
import { UsageError } from './command.js';

/** @throws UsageError */
export function prefixArgument(text: string): Prefix {
  try {
    const canonical = text.includes('/') ? network(text) : host(text);
    const prefix = parsePrefix(canonical);
    if (isPrefix(prefix)) return prefix;
  } catch {
    // The package's own messages speak of its parser, not of the argument.
  }
  throw new UsageError(`${text} is not a prefix such as 10.244.2.0/24, nor an address`);
}

function network(text: string): string {
  const subnet = ip6addr.createCIDR(text);
  return `${canonicalAddress(subnet.address().toString())}/${subnet.prefixLength()}`;
}

function host(text: string): string {
  const address = ip6addr.parse(text);
  const bits = addressBits(address.toString().includes(':') ? 'ipv6' : 'ipv4');
  return `${canonicalAddress(address.toString())}/${bits}`;
}

function canonicalAddress(text: string): string {
  return parseIpAddress(text) ?? text;
}
