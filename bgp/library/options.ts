/**
 * What a user of `margay/bgp` writes, checked and turned into the speaker's plain configuration (pure). Addresses and prefixes are
 * plain text here; everything behind is canonical.
 */
import { type Asn, parseAsn } from '../../core/asn.js';
import {
  type IpAddress,
  type Ipv4Address,
  isLinkLocal,
  parseIpAddress,
  parseIpv4,
} from '../../core/ip-address.js';
import { isPrefix, type Prefix, parsePrefix } from '../../core/prefix.js';
import { FAMILIES, type Family, familyOf } from '../family.js';
import { MAX_PATHS_TOLD } from '../rib/told-paths.js';
import type {
  BmpAdjRibIn,
  BmpStationConfig,
  OriginatedRoute,
  PeerConfig,
  SpeakerConfig,
  SpeakerLimits,
} from '../speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../speaker/defaults.js';
import { MAX_U32, numberOption, OptionError, wordOption } from './option-values.js';
import { booleanOption, limitsOption, type PolicyOptions, policyFields } from './policy-options.js';

export interface ListenOption {
  readonly address: string;
  /** By default 179; 0 takes a free one. */
  readonly port?: number;
}

export interface SpeakerOptions {
  /** 1 to 4294967295. */
  readonly asn: number;
  /** Dotted decimal, not 0.0.0.0 (RFC 6286). */
  readonly routerId: string;
  /** Where to accept connections, one place or several; by default nowhere. */
  readonly listen?: ListenOption | readonly ListenOption[];
  /** CLUSTER_ID as a route reflector (RFC 4456), dotted decimal, shared by the reflectors of a cluster; by default the router id. */
  readonly clusterId?: string;
  /** Graceful restart (RFC 4724), on by default; `false` leaves the capability out. */
  readonly gracefulRestart?:
    | false
    | { readonly restartTimeSeconds?: number; readonly staleTimeSeconds?: number };
  /** Without policies an external peer tells and is told nothing (RFC 8212); by default true. */
  readonly ebgpRequiresPolicy?: boolean;
  /** What the routes of all peers together may take: beyond it the peer that takes most is reset. */
  readonly limits?: Partial<SpeakerLimits>;
  /** Monitoring stations to be told of everything (BMP, RFC 7854); they are dialled. */
  readonly bmpStations?: readonly BmpStationOption[];
}

export interface BmpStationOption {
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
  /** What the station shows us as; by default the router id. */
  readonly sysName?: string;
  /** What it is told of: routes as peers send them (by default), as the import policies leave them, or both (RFC 7854 section 5). */
  readonly adjRibIn?: BmpAdjRibIn;
}

export interface PeerOptions extends PolicyOptions {
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
  /** Outgoing TTL, 1 to 255, by default 64; not with `ttlSecurityHops`. */
  readonly ttl?: number;
  /** GTSM (RFC 5082): the peer is at most this many hops away, 1 to 254; what comes from farther is not heard. */
  readonly ttlSecurityHops?: number;
  /** TCP MD5 (RFC 2385): 1 to 80 octets of UTF-8. */
  readonly password?: string;
  readonly nextHop?: 'auto' | 'self' | 'keep';
  /** Subnets shared with the peer: next hops inside them are handed on unchanged (RFC 4271 section 5.1.3). */
  readonly sharedSubnets?: readonly string[];
  /**
   * Several paths to a prefix (RFC 7911): whether to take them from the peer, and how many of the best it is told, 0 to 32. By default
   * neither; how many may change without a reset.
   */
  readonly addPath?: { readonly receive?: boolean; readonly send?: number };
  /** IPv4 prefixes with IPv6 next hops, both ways (RFC 8950). */
  readonly extendedNextHop?: boolean;
  /** Messages of up to 65535 octets, both ways (RFC 8654). */
  readonly extendedMessages?: boolean;
  /** The interface the peer is on, by name: without it its link-local next hops are of no use (RFC 2545). */
  readonly interface?: string;
  /**
   * Our own link-local address on that link: with an IPv6 peer in one of `sharedSubnets` it is told beside our global address as next hop
   * (RFC 2545). May change without a reset.
   */
  readonly linkLocalAddress?: string;
  /** An internal peer whose routes go on to all others, and who is told those of other internal peers (RFC 4456). */
  readonly routeReflectorClient?: boolean;
  /** Announced Restart Time towards this peer, 0 to 4095; by default the speaker's. */
  readonly restartTimeSeconds?: number;
  /** Graceful restart also after a NOTIFICATION (RFC 8538), by default true. */
  readonly notificationRestart?: boolean;
  /** Whether an expired hold timer keeps the peer's routes then, by default true. */
  readonly holdExpiryKeeps?: boolean;
  /** Long-lived graceful restart (RFC 9494): for so long after the restart time, 1 to 16777215; by default off. */
  readonly longLivedStaleSeconds?: number;
  /** RFC 9687: 0 for off; by default 8 minutes, or twice the hold time if that is longer. */
  readonly sendHoldTimeSeconds?: number;
  /** Heeds `setBfdState` of its address; `strict`: no session before BFD is up, and no route outlives it. */
  readonly bfd?: { readonly strict: boolean };
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
const ADJ_RIBS_IN: readonly BmpAdjRibIn[] = ['pre-policy', 'post-policy', 'both'];

export function speakerConfig(options: SpeakerOptions): SpeakerConfig {
  const { listen, gracefulRestart, clusterId } = options;
  return {
    ...speakerDefaults,
    asn: asnOption('asn', options.asn),
    routerId: identifierOption('routerId', options.routerId),
    clusterId: clusterId === undefined ? undefined : identifierOption('clusterId', clusterId),
    ebgpRequiresPolicy: booleanOption('ebgpRequiresPolicy', options.ebgpRequiresPolicy ?? true),
    limits: limitsOption(options.limits ?? {}),
    listen: listenEndpoints(listen),
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
            staleTimeSeconds: numberOption(
              'gracefulRestart.staleTimeSeconds',
              gracefulRestart?.staleTimeSeconds ?? 120,
              1,
              86400,
            ),
            selectionDeferralSeconds: 120,
            forwardingPreserved: [],
          },
    bmpStations: (options.bmpStations ?? []).map((station, i) =>
      bmpStation(station, `bmpStations[${i}]`, options.routerId),
    ),
  };
}

function bmpStation(station: BmpStationOption, field: string, sysName: string): BmpStationConfig {
  return {
    address: addressOption(`${field}.address`, station.address),
    port: numberOption(`${field}.port`, station.port, 1, 65535),
    sysName: station.sysName ?? sysName,
    sysDescr: 'Margay',
    adjRibIn: wordOption(`${field}.adjRibIn`, station.adjRibIn ?? 'pre-policy', ADJ_RIBS_IN),
  };
}

function identifierOption(field: string, value: string): Ipv4Address {
  const identifier = parseIpv4(String(value));
  if (identifier !== undefined && identifier !== '0.0.0.0') return identifier as Ipv4Address;
  throw new OptionError(field, value, 'an IPv4 address other than 0.0.0.0');
}

function listenEndpoints(listen: SpeakerOptions['listen']): SpeakerConfig['listen'] {
  if (listen === undefined) return [];
  const several = Array.isArray(listen) ? (listen as readonly ListenOption[]) : undefined;
  return (several ?? [listen as ListenOption]).map(({ address, port }, i) => {
    const field = several === undefined ? 'listen' : `listen[${i}]`;
    return {
      address: addressOption(`${field}.address`, address),
      port: numberOption(`${field}.port`, port ?? DEFAULT_PORT, 0, 65535),
    };
  });
}

export function peerConfig(options: PeerOptions): PeerConfig {
  const address = addressOption('address', options.address);
  const port = numberOption('port', options.port ?? DEFAULT_PORT, 1, 65535);
  const hold = numberOption('holdTimeSeconds', options.holdTimeSeconds ?? 90, 0, 65535);
  if (hold === 1 || hold === 2) throw new OptionError('holdTimeSeconds', hold, '0 or 3 to 65535');
  return {
    ...peerDefaults,
    key: `${address} ${port}`,
    name: options.name ?? address,
    address,
    port,
    asn: asnOption('asn', options.asn),
    localAsn: options.localAsn === undefined ? undefined : asnOption('localAsn', options.localAsn),
    localAddress:
      options.localAddress === undefined ? undefined : addressOption('localAddress', options.localAddress),
    passive: options.passive ?? false,
    families: familiesOption(options.families ?? [familyOf(address)]),
    holdTimeSeconds: hold,
    connectRetrySeconds: numberOption('connectRetrySeconds', options.connectRetrySeconds ?? 5, 1, 65535),
    ttl: numberOption('ttl', options.ttl ?? 64, 1, 255),
    ttlSecurityHops: hopsOption(options),
    password: passwordOption(options.password),
    nextHopMode: wordOption('nextHop', options.nextHop ?? 'auto', ['auto', 'self', 'keep']),
    routeReflectorClient: clientOption(options),
    addPath: addPathOption(options.addPath),
    extendedNextHop: flagOption('extendedNextHop', options.extendedNextHop ?? false),
    extendedMessages: flagOption('extendedMessages', options.extendedMessages ?? false),
    interface: interfaceOption(options.interface),
    linkLocalAddress: linkLocalOption(options.linkLocalAddress),
    ...policyFields(options),
    ...stayingUpOptions(options, hold),
    sharedSubnets: (options.sharedSubnets ?? []).map(subnet => prefixOption('sharedSubnets', subnet)),
  };
}

const MAX_RESTART_TIME_SECONDS = 4095;
const MAX_LONG_LIVED_STALE_SECONDS = 0xffffff;

function stayingUpOptions(options: PeerOptions, holdTimeSeconds: number) {
  const { restartTimeSeconds: restart, longLivedStaleSeconds: longLived, bfd } = options;
  if (bfd !== undefined && typeof bfd?.strict !== 'boolean') {
    throw new OptionError('bfd', bfd, '{ strict: true } or { strict: false }');
  }
  return {
    restartTimeSeconds:
      restart === undefined
        ? undefined
        : numberOption('restartTimeSeconds', restart, 0, MAX_RESTART_TIME_SECONDS),
    notificationRestart: flagOption('notificationRestart', options.notificationRestart ?? true),
    holdExpiryKeeps: flagOption('holdExpiryKeeps', options.holdExpiryKeeps ?? true),
    longLivedStaleSeconds:
      longLived === undefined
        ? undefined
        : numberOption('longLivedStaleSeconds', longLived, 1, MAX_LONG_LIVED_STALE_SECONDS),
    sendHoldTimeSeconds: sendHoldOption(options.sendHoldTimeSeconds, holdTimeSeconds),
    bfd,
  };
}

/** RFC 9687 section 4: it must be longer than the hold time. */
function sendHoldOption(value: number | undefined, holdTimeSeconds: number): number | undefined {
  if (value === undefined || value === 0) return value;
  return numberOption('sendHoldTimeSeconds', value, holdTimeSeconds + 1, 65535);
}

function addPathOption(value: PeerOptions['addPath'] = {}): PeerConfig['addPath'] {
  if (typeof value !== 'object' || value === null) {
    throw new OptionError('addPath', value, 'an object such as { receive: true, send: 4 }');
  }
  return {
    receive: flagOption('addPath.receive', value.receive ?? false),
    send: numberOption('addPath.send', value.send ?? 0, 0, MAX_PATHS_TOLD),
  };
}

/** IFNAMSIZ, linux/if.h. */
const MAX_INTERFACE_NAME = 15;

function interfaceOption(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[^\s/%]+$/.test(value) && value.length <= MAX_INTERFACE_NAME)
    return value;
  throw new OptionError('interface', value, `an interface's name of up to ${MAX_INTERFACE_NAME} characters`);
}

function flagOption(field: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new OptionError(field, value, 'true or false');
}

function clientOption({ routeReflectorClient = false }: PeerOptions): boolean {
  if (typeof routeReflectorClient === 'boolean') return routeReflectorClient;
  throw new OptionError('routeReflectorClient', routeReflectorClient, 'true or false');
}

function hopsOption({ ttl, ttlSecurityHops }: PeerOptions): number | undefined {
  if (ttlSecurityHops === undefined) return undefined;
  if (ttl !== undefined)
    throw new OptionError('ttl', ttl, 'possible beside ttlSecurityHops, with which it is 255');
  return numberOption('ttlSecurityHops', ttlSecurityHops, 1, 254);
}

/** The error does not have it. */
function passwordOption(password: string | undefined): string | undefined {
  if (password === undefined) return undefined;
  const octets = typeof password === 'string' ? new TextEncoder().encode(password).length : 0;
  if (octets >= 1 && octets <= 80) return password;
  const what = typeof password === 'string' ? `a text of ${octets} octets` : `a ${typeof password}`;
  throw new OptionError('password', what, 'a text of 1 to 80 octets');
}

export function originatedRoute(prefix: string, options: AnnounceOptions): OriginatedRoute {
  const destination = prefixOption('prefix', prefix);
  const { nextHop, localPref, med } = options;
  return {
    prefix: destination,
    nextHop: nextHop === undefined ? undefined : nextHopOption(nextHop, destination),
    communities: (options.communities ?? []).map(communityOption),
    largeCommunities: (options.largeCommunities ?? []).map(largeCommunityOption),
    localPref: localPref === undefined ? undefined : numberOption('localPref', localPref, 0, MAX_U32),
    med: med === undefined ? undefined : numberOption('med', med, 0, MAX_U32),
  };
}

export function prefixOption(field: string, value: string): Prefix {
  const prefix = parsePrefix(String(value));
  if (isPrefix(prefix)) return prefix;
  const meant = prefix.kind === 'host-bits-set' ? ` (host bits are set: ${prefix.network}?)` : '';
  throw new OptionError(field, value, `a prefix such as 10.244.1.0/24${meant}`);
}

export function asnOption(field: string, value: number): Asn {
  const asn = parseAsn(value);
  if (asn === undefined) throw new OptionError(field, value, 'an AS number from 1 to 4294967295');
  return asn;
}

export function addressOption(field: string, value: string): IpAddress {
  const address = parseIpAddress(String(value));
  if (address === undefined) throw new OptionError(field, value, 'an IP address');
  return address;
}

function familiesOption(families: readonly Family[]): readonly Family[] {
  if (!Array.isArray(families) || families.length === 0) {
    throw new OptionError('families', families, `a list of ${FAMILIES.join(', ')}`);
  }
  return families.map((family: Family) => wordOption('families', family, FAMILIES));
}

function linkLocalOption(value: string | undefined): IpAddress | undefined {
  if (value === undefined) return undefined;
  const address = addressOption('linkLocalAddress', value);
  if (isLinkLocal(address)) return address;
  throw new OptionError('linkLocalAddress', value, 'an address in fe80::/10');
}

function nextHopOption(value: string, prefix: Prefix): IpAddress {
  const address = addressOption('nextHop', value);
  if (isLinkLocal(address)) throw new OptionError('nextHop', value, 'an address that is good on every link');
  // RFC 8950: peers that did not agree to it are not told.
  if (familyOf(prefix) === 'ipv4-unicast' || familyOf(address) === familyOf(prefix)) return address;
  throw new OptionError('nextHop', value, `an IPv6 address, as ${prefix} is an IPv6 prefix`);
}

function communityOption(value: number | string): number {
  if (typeof value === 'number') return numberOption('communities', value, 0, MAX_U32);
  const parts = String(value).split(':');
  if (parts.length !== 2 || !parts.every(part => /^\d{1,5}$/.test(part) && Number(part) <= 65535)) {
    throw new OptionError('communities', value, 'a 32-bit number or "0-65535:0-65535"');
  }
  return Number(parts[0]) * 65536 + Number(parts[1]);
}

function largeCommunityOption(value: readonly [number, number, number]): readonly [number, number, number] {
  if (!Array.isArray(value) || value.length !== 3) {
    throw new OptionError('largeCommunities', value, 'three 32-bit numbers');
  }
  const [administrator, first, second] = value.map((part: number) =>
    numberOption('largeCommunities', part, 0, MAX_U32),
  );
  return [administrator!, first!, second!];
}
