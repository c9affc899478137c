/**
 * What a user of `margay/bgp` writes, checked and turned into the speaker's plain configuration (pure). Addresses and prefixes are
 * plain text here; everything behind is canonical.
 */
import { type Asn, parseAsn } from '../../core/asn.js';
import { type IpAddress, type Ipv4Address, parseIpAddress, parseIpv4 } from '../../core/ip-address.js';
import { isPrefix, type Prefix, parsePrefix } from '../../core/prefix.js';
import { type Family, familyOf } from '../family.js';
import type { RoutePredicate } from '../rib/contract.js';
import type { OriginatedRoute, PeerConfig, RoutePolicy, SpeakerConfig } from '../speaker/contract.js';
import type { PeerPolicies } from '../speaker/peer.js';

/** A value that cannot be used; `field` is the option's path. */
export class OptionError extends TypeError {
  readonly field: string;
  readonly value: unknown;
  readonly allowed: string;

  constructor(field: string, value: unknown, allowed: string) {
    super(`${field}: ${JSON.stringify(value)} is not ${allowed}`);
    this.name = 'OptionError';
    this.field = field;
    this.value = value;
    this.allowed = allowed;
  }
}

export interface SpeakerOptions {
  /** 1 to 4294967295. */
  readonly asn: number;
  /** Dotted decimal, not 0.0.0.0 (RFC 6286). */
  readonly routerId: string;
  /** Where to accept connections; by default nowhere. Port 0 takes a free one. */
  readonly listen?: { readonly address: string; readonly port?: number };
  /** Graceful restart (RFC 4724), on by default; `false` leaves the capability out. */
  readonly gracefulRestart?:
    | false
    | { readonly restartTimeSeconds?: number; readonly staleTimeSeconds?: number };
}

export interface PeerOptions {
  readonly address: string;
  readonly asn: number;
  /** 1 to 65535, by default 179. */
  readonly port?: number;
  /** For people; by default the address. */
  readonly name?: string;
  readonly localAddress?: string;
  readonly localAsn?: number;
  /** Only accept connections, never dial. */
  readonly passive?: boolean;
  readonly families?: readonly Family[];
  /** 0, or 3 to 65535; by default 90. */
  readonly holdTimeSeconds?: number;
  readonly connectRetrySeconds?: number;
  readonly ttl?: number;
  readonly nextHop?: 'auto' | 'self' | 'keep';
  /** Subnets shared with the peer: next hops inside them are handed on unchanged (RFC 4271 section 5.1.3). */
  readonly sharedSubnets?: readonly string[];
  /** Which of its routes to use. Without one an external peer's are all rejected (RFC 8212). */
  readonly import?: RoutePredicate;
  /** Which routes to tell it. Without one an external peer is told none (RFC 8212). */
  readonly export?: RoutePredicate;
}

export interface AnnounceOptions {
  /** By default our end of each session. */
  readonly nextHop?: string;
  /** RFC 1997 values as numbers, or "64512:100". */
  readonly communities?: readonly (number | string)[];
  /** RFC 8092 values. */
  readonly largeCommunities?: readonly (readonly [number, number, number])[];
  readonly localPref?: number;
  readonly med?: number;
}

const DEFAULT_PORT = 179;

export function speakerConfig(options: SpeakerOptions): SpeakerConfig {
  const { listen, gracefulRestart } = options;
  const routerId = parseIpv4(options.routerId);
  if (routerId === undefined || routerId === '0.0.0.0') {
    throw new OptionError('routerId', options.routerId, 'an IPv4 address other than 0.0.0.0');
  }
  return {
    asn: asnOption('asn', options.asn),
    routerId: routerId as Ipv4Address,
    listen:
      listen === undefined
        ? []
        : [
            {
              address: addressOption('listen.address', listen.address),
              port: numberOption('listen.port', listen.port ?? DEFAULT_PORT, 0, 65535),
            },
          ],
    gracefulRestart:
      gracefulRestart === false
        ? undefined
        : {
            restartTimeSeconds: numberOption(
              'gracefulRestart.restartTimeSeconds',
              gracefulRestart?.restartTimeSeconds ?? 120,
              0,
              4095,
            ),
            staleTimeSeconds: gracefulRestart?.staleTimeSeconds ?? 120,
            selectionDeferralSeconds: 120,
            forwardingPreserved: [],
          },
    restarting: false,
  };
}

export function peerConfig(options: PeerOptions): PeerConfig {
  const address = addressOption('address', options.address);
  const port = numberOption('port', options.port ?? DEFAULT_PORT, 1, 65535);
  const hold = numberOption('holdTimeSeconds', options.holdTimeSeconds ?? 90, 0, 65535);
  if (hold === 1 || hold === 2) throw new OptionError('holdTimeSeconds', hold, '0 or 3 to 65535');
  return {
    key: `${address} ${port}`,
    type: 'peer',
    name: options.name ?? address,
    address,
    port,
    asn: asnOption('asn', options.asn),
    localAsn: options.localAsn === undefined ? undefined : asnOption('localAsn', options.localAsn),
    localAddress:
      options.localAddress === undefined ? undefined : addressOption('localAddress', options.localAddress),
    passive: options.passive ?? false,
    families: options.families ?? [familyOf(address)],
    holdTimeSeconds: hold,
    keepaliveTimeSeconds: undefined,
    connectRetrySeconds: numberOption('connectRetrySeconds', options.connectRetrySeconds ?? 5, 1, 65535),
    delayOpenSeconds: undefined,
    idleHoldMaxSeconds: 60,
    ttl: numberOption('ttl', options.ttl ?? 64, 1, 255),
    multihop: true,
    gracefulRestart: true,
    nextHopMode: options.nextHop ?? 'auto',
    sharedSubnets: (options.sharedSubnets ?? []).map(subnet => prefixOption('sharedSubnets', subnet)),
    importPolicy: acceptAll,
    exportPolicy: acceptAll,
    administrativeState: 'up',
  };
}

const acceptAll: RoutePolicy = { rules: [], otherwise: 'accept' };
const rejectAll: RoutePolicy = { rules: [], otherwise: 'reject' };

/** RFC 8212: towards another AS nothing passes that nobody asked for. */
export function peerPolicies(options: PeerOptions, localAsn: number): PeerPolicies {
  const fallback = options.asn === (options.localAsn ?? localAsn) ? acceptAll : rejectAll;
  return { importPolicy: options.import ?? fallback, exportPolicy: options.export ?? fallback };
}

export function originatedRoute(prefix: string, options: AnnounceOptions): OriginatedRoute {
  return {
    prefix: prefixOption('prefix', prefix),
    nextHop: options.nextHop === undefined ? undefined : addressOption('nextHop', options.nextHop),
    communities: (options.communities ?? []).map(communityOption),
    largeCommunities: options.largeCommunities ?? [],
    localPref: options.localPref,
    med: options.med,
  };
}

export function prefixOption(field: string, value: string): Prefix {
  const prefix = parsePrefix(value);
  if (isPrefix(prefix)) return prefix;
  const meant = prefix.kind === 'host-bits-set' ? ` (host bits are set: ${prefix.network}?)` : '';
  throw new OptionError(field, value, `a prefix such as 10.244.1.0/24${meant}`);
}

function asnOption(field: string, value: number): Asn {
  const asn = parseAsn(value);
  if (asn === undefined) throw new OptionError(field, value, 'an AS number from 1 to 4294967295');
  return asn;
}

function addressOption(field: string, value: string): IpAddress {
  const address = parseIpAddress(value);
  if (address === undefined) throw new OptionError(field, value, 'an IP address');
  return address;
}

function numberOption(field: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OptionError(field, value, `a whole number from ${least} to ${most}`);
  }
  return value;
}

function communityOption(value: number | string): number {
  const parts = typeof value === 'number' ? [value >>> 16, value & 0xffff] : value.split(':').map(Number);
  const [high = -1, low = -1] = parts;
  if (parts.length !== 2 || !parts.every(part => Number.isInteger(part) && part >= 0 && part <= 65535)) {
    throw new OptionError('communities', value, 'a 32-bit number or "0-65535:0-65535"');
  }
  return ((high << 16) | low) >>> 0;
}
