/** Which of a host's addresses is the node's, for either family: pure, from what the kernel holds and what was configured. */
import { type AddressFamily, addressFamily, type IpAddress } from '../core/ip-address.js';
import { deviceNames } from '../ipip/tunnel-devices.js';
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { Link } from '../linux/netlink/link.js';
import type { Route } from '../linux/netlink/route.js';

export interface HostAddresses {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** The main table, of both families. */
  readonly routes: readonly Route[];
}

export type AddressWish =
  | { readonly kind: 'autodetect' }
  | { readonly kind: 'off' }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'address'; readonly address: IpAddress; readonly prefixLength: number | undefined };

export type NodeAddressChoice =
  /** ADDRESS/LENGTH, the length of the host's own subnet. */
  | { readonly kind: 'chosen'; readonly address: string; readonly reason: string }
  /** It is not known, and somebody must say it. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It has none of the family, as it was told or as it is; the reason is "" where that is nothing to speak of. */
  | { readonly kind: 'none'; readonly reason: string }
  /** It has one, and may not announce itself by it: its Node is to hold none of the family. */
  | { readonly kind: 'withheld'; readonly reason: string };

/** Global, and not ours for a while only: no link-local, and none of {@link PASSING}. */
const GLOBAL_SCOPE = 0;
/** IFA_F_SECONDARY; for IPv6 the same bit is IFA_F_TEMPORARY (RFC 8981), and there are IFA_F_DADFAILED and IFA_F_DEPRECATED. */
const PASSING: Readonly<Record<AddressFamily, number>> = { ipv4: 0x01, ipv6: 0x01 | 0x08 | 0x20 };

/** What hosts reach it by through its tunnels is none by which tunnels reach the host. */
const ownTunnels: ReadonlySet<string> = new Set(Object.values(deviceNames));

const familyWords: Readonly<Record<AddressFamily, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/**
 * A host must have an IPv4 address unless it is told that it has none. IPv6 it may have: where none can be told apart by itself, the reason
 * is shown, and nobody is asked to act.
 */
export function chooseNodeAddress(
  host: HostAddresses,
  family: AddressFamily,
  wish: AddressWish,
): NodeAddressChoice {
  switch (wish.kind) {
    case 'off':
      return { kind: 'none', reason: '' };
    case 'address':
      return configuredAddress(host, wish);
    case 'interface':
      return addressOf(host, family, wish.name, `configured interface ${wish.name}`);
    case 'autodetect': {
      const found = detected(host, family);
      if (family === 'ipv4' || found.kind !== 'refused') return found;
      return { kind: 'none', reason: candidates(host, family).length === 0 ? '' : found.reason };
    }
  }
}

function configuredAddress(
  host: HostAddresses,
  wish: AddressWish & { readonly kind: 'address' },
): NodeAddressChoice {
  const found = host.addresses.find(({ address }) => address === wish.address);
  const length = wish.prefixLength ?? found?.prefixLength;
  const family = addressFamily(wish.address);
  if (length === undefined) {
    return {
      kind: 'refused',
      reason: `${wish.address} is not an address of this host, so its subnet is unknown: write it as ${wish.address}/LENGTH. ${candidateWords(host, family)}`,
    };
  }
  return { kind: 'chosen', address: `${wish.address}/${length}`, reason: 'configured' };
}

const defaultPrefixes: Readonly<Record<AddressFamily, string>> = { ipv4: '0.0.0.0/0', ipv6: '::/0' };

function detected(host: HostAddresses, family: AddressFamily): NodeAddressChoice {
  const defaults = host.routes.filter(
    route => route.destination === defaultPrefixes[family] && route.nextHops.length > 0,
  );
  const metric = Math.min(...defaults.map(route => route.metric));
  const best = defaults.filter(route => route.metric === metric);
  const indexes = new Set(best.flatMap(route => route.nextHops.map(({ ifindex }) => ifindex)));
  const names = host.links.filter(link => indexes.has(link.ifindex)).map(link => link.name);
  if (names.length === 1)
    return addressOf(host, family, names[0]!, `the default route's interface ${names[0]}`);
  if (names.length > 1) return ambiguous(host, family, `default routes lead to ${names.join(' and ')}`);
  const only = candidates(host, family);
  if (only.length === 1) {
    const { name, text } = only[0]!;
    return {
      kind: 'chosen',
      address: text,
      reason: `the only ${familyWords[family]} address of this host, on ${name}`,
    };
  }
  return ambiguous(host, family, 'there is no default route');
}

function addressOf(
  host: HostAddresses,
  family: AddressFamily,
  name: string,
  reason: string,
): NodeAddressChoice {
  const found = candidates(host, family).filter(candidate => candidate.name === name);
  if (found.length === 1) return { kind: 'chosen', address: found[0]!.text, reason };
  if (found.length > 1) return ambiguous(host, family, `${name} has several addresses`);
  const exists = host.links.some(link => link.name === name);
  const why = exists ? `${name} has no ${familyWords[family]} address` : `there is no interface ${name}`;
  return ambiguous(host, family, why);
}

function ambiguous(host: HostAddresses, family: AddressFamily, why: string): NodeAddressChoice {
  return {
    kind: 'refused',
    reason: `cannot tell this host's ${familyWords[family]} address: ${why}. ${candidateWords(host, family)} Set ${family}.address`,
  };
}

function candidateWords(host: HostAddresses, family: AddressFamily): string {
  const found = candidates(host, family).map(({ name, text }) => `${text} (${name})`);
  return found.length === 0 ? 'There are no candidates.' : `Candidates: ${found.join(', ')}.`;
}

function candidates(
  host: HostAddresses,
  family: AddressFamily,
): { readonly name: string; readonly text: string }[] {
  const names = new Map(
    host.links
      .filter(({ loopback, up, name }) => !loopback && up && !ownTunnels.has(name))
      .map(link => [link.ifindex, link.name]),
  );
  return host.addresses
    .filter(
      ({ address, scope, flags }) =>
        addressFamily(address) === family && scope === GLOBAL_SCOPE && (flags & PASSING[family]) === 0,
    )
    .filter(({ ifindex }) => names.has(ifindex))
    .map(({ ifindex, address, prefixLength }) => ({
      name: names.get(ifindex)!,
      text: `${address}/${prefixLength}`,
    }));
}
