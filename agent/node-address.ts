/** Which of a host's addresses is the node's: pure, from what the kernel holds and what was configured. */
import type { Ipv4Address } from '../core/ip-address.js';
import { addressFamily } from '../core/ip-address.js';
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { Link } from '../linux/netlink/link.js';
import type { Route } from '../linux/netlink/route.js';

export interface HostAddresses {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** The main table, IPv4. */
  readonly routes: readonly Route[];
}

export type AddressWish =
  | { readonly kind: 'autodetect' }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'address'; readonly address: Ipv4Address; readonly prefixLength: number | undefined };

export type NodeAddressChoice =
  /** ADDRESS/LENGTH, the length of the host's own subnet. */
  | { readonly kind: 'chosen'; readonly address: string; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Global, and not ours for a while only: no secondary, no link-local. */
const GLOBAL_SCOPE = 0;
const IFA_F_SECONDARY = 1;

export function chooseNodeAddress(host: HostAddresses, wish: AddressWish): NodeAddressChoice {
  switch (wish.kind) {
    case 'address':
      return configuredAddress(host, wish);
    case 'interface':
      return addressOf(host, wish.name, `configured interface ${wish.name}`);
    case 'autodetect':
      return detected(host);
  }
}

function configuredAddress(
  host: HostAddresses,
  wish: AddressWish & { readonly kind: 'address' },
): NodeAddressChoice {
  const found = host.addresses.find(({ address }) => address === wish.address);
  const length = wish.prefixLength ?? found?.prefixLength;
  if (length === undefined) {
    return {
      kind: 'refused',
      reason: `${wish.address} is not an address of this host, so its subnet is unknown: write it as ${wish.address}/LENGTH. ${candidateWords(host)}`,
    };
  }
  return { kind: 'chosen', address: `${wish.address}/${length}`, reason: 'configured' };
}

function detected(host: HostAddresses): NodeAddressChoice {
  const defaults = host.routes.filter(
    route => route.destination === '0.0.0.0/0' && route.nextHops.length > 0,
  );
  const metric = Math.min(...defaults.map(route => route.metric));
  const best = defaults.filter(route => route.metric === metric);
  const indexes = new Set(best.flatMap(route => route.nextHops.map(({ ifindex }) => ifindex)));
  const names = host.links.filter(link => indexes.has(link.ifindex)).map(link => link.name);
  if (names.length === 1) return addressOf(host, names[0]!, `the default route's interface ${names[0]}`);
  if (names.length > 1) return ambiguous(host, `default routes lead to ${names.join(' and ')}`);
  const only = candidates(host);
  if (only.length === 1) {
    const { name, text } = only[0]!;
    return { kind: 'chosen', address: text, reason: `the only address of this host, on ${name}` };
  }
  return ambiguous(host, 'there is no default route');
}

function addressOf(host: HostAddresses, name: string, reason: string): NodeAddressChoice {
  const found = candidates(host).filter(candidate => candidate.name === name);
  if (found.length === 1) return { kind: 'chosen', address: found[0]!.text, reason };
  if (found.length > 1) return ambiguous(host, `${name} has several addresses`);
  const exists = host.links.some(link => link.name === name);
  return ambiguous(host, exists ? `${name} has no IPv4 address` : `there is no interface ${name}`);
}

function ambiguous(host: HostAddresses, why: string): NodeAddressChoice {
  return {
    kind: 'refused',
    reason: `cannot tell this host's address: ${why}. ${candidateWords(host)} Set ipv4.address`,
  };
}

function candidateWords(host: HostAddresses): string {
  const found = candidates(host).map(({ name, text }) => `${text} (${name})`);
  return found.length === 0 ? 'There are no candidates.' : `Candidates: ${found.join(', ')}.`;
}

function candidates(host: HostAddresses): { readonly name: string; readonly text: string }[] {
  const names = new Map(
    host.links.filter(link => !link.loopback && link.up).map(link => [link.ifindex, link.name]),
  );
  return host.addresses
    .filter(
      ({ address, scope, flags }) =>
        addressFamily(address) === 'ipv4' && scope === GLOBAL_SCOPE && (flags & IFA_F_SECONDARY) === 0,
    )
    .filter(({ ifindex }) => names.has(ifindex))
    .map(({ ifindex, address, prefixLength }) => ({
      name: names.get(ifindex)!,
      text: `${address}/${prefixLength}`,
    }));
}
