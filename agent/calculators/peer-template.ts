/**
 * What documents say of a session, whoever the peer is (pure): fields of a BGPPeer or a BGPPeerRange, options beyond Calico's, and what all
 * sessions of this host have in common, as the speaker wants them.
 */
import { FAMILIES, type Family } from '../../bgp/family.js';
import type {
  BgpRole,
  PeerConfig,
  PeerTemplate,
  PrefixLimit,
  RoutePolicy,
} from '../../bgp/speaker/contract.js';
import { peerDefaults } from '../../bgp/speaker/defaults.js';
import { durationSeconds } from '../../core/duration.js';
import type { AddressFamily } from '../../core/ip-address.js';
import type {
  BGPFilterResource,
  BGPPeerRangeResource,
  BGPPeerResource,
} from '../../core/resources/resource.js';
import type { SessionOptions } from '../../core/resources/session-options.js';
import { filterRules } from './bgp-filters.js';
import { type PasswordSource, passwordSource } from './passwords.js';
import { type PeerContext, restartSeconds } from './peer-context.js';

/** Fields that a BGPPeer and a BGPPeerRange have both. */
export type SessionFields = Pick<
  BGPPeerResource['spec'],
  keyof BGPPeerResource['spec'] & keyof BGPPeerRangeResource['spec']
>;

export interface SessionWish {
  /** Of the mesh: none. */
  readonly fields: SessionFields;
  readonly options: SessionOptions;
  /** Of the mesh it is not said in `fields`. */
  readonly password: PasswordSource | undefined;
  readonly restartTimeSeconds: number | undefined;
  readonly families: readonly Family[];
}

/** Calico's: no BGPPeer session needs its peer to be on a connected subnet. */
const PEER_TTL = 64;
/** The largest that leaves something to check: RFC 5082 section 3. */
const FURTHEST_HOPS = 254;
const WARN_PERCENT = 75;
const USUAL_PAUSE_SECONDS = 300;

const roles: Readonly<Record<NonNullable<SessionOptions['role']>, BgpRole>> = {
  Provider: 'provider',
  RouteServer: 'rs',
  RouteServerClient: 'rs-client',
  Customer: 'customer',
  Peer: 'peer',
};
const limitActions = { Warn: 'warn', Stop: 'stop', Restart: 'restart' } as const;

/** What a document with both wants. @param usual the family of the peer's address */
export function documentWish(fields: SessionFields, options: SessionOptions, usual: Family): SessionWish {
  return {
    fields,
    options,
    password: passwordSource(fields.password, options),
    restartTimeSeconds: restartSeconds(fields.maxRestartTime),
    families: familiesOf(options, usual),
  };
}

/** IPv4 routes by IPv6 next hops need a session that carries IPv4 (RFC 8950 section 4). */
function familiesOf({ families, extendedNextHop }: SessionOptions, usual: Family): readonly Family[] {
  if (families === 'Both' || (families === undefined && extendedNextHop === true)) return FAMILIES;
  if (families === undefined) return [usual];
  return [families === 'IPv4' ? 'ipv4-unicast' : 'ipv6-unicast'];
}

/** All that is not of the one peer: its name, address and AS, and what depends on where it is. */
export function sessionTemplate(
  { fields, options, password, restartTimeSeconds, families }: SessionWish,
  context: PeerContext,
): Omit<
  PeerTemplate,
  | 'type'
  | 'name'
  | 'port'
  | 'localAddress'
  | 'sharedSubnets'
  | 'linkLocalAddress'
  | 'routeReflectorClient'
  | 'bfd'
> {
  const { timers } = context.options;
  const found = password === undefined ? undefined : context.passwords.of(password);
  const keepalive = durationSeconds(fields.keepaliveTime) ?? timers.keepaliveTimeSeconds;
  const { importPolicy, exportPolicy } = policies(fields.filters, families, context);
  return {
    ...withoutIdentity,
    // Said or not, it is the same session.
    localAsn: fields.localASNumber === context.localAsn ? undefined : fields.localASNumber,
    families,
    ...holdAndKeepalive(options.holdTime ?? timers.holdTimeSeconds, keepalive),
    connectRetrySeconds: timers.connectRetrySeconds,
    idleHoldMaxSeconds: timers.idleHoldMaxSeconds,
    ttl: PEER_TTL,
    ttlSecurityHops:
      fields.ttlSecurity === undefined ? undefined : Math.min(FURTHEST_HOPS, fields.ttlSecurity),
    nextHopMode: nextHopMode(fields),
    importPolicy,
    exportPolicy,
    password: found?.kind === 'found' ? found.text : undefined,
    restartTimeSeconds,
    ownAsnsAllowed: fields.numAllowedLocalASNumbers ?? 0,
    ...optionFields(options, families),
    // Nobody but those who know the password is spoken to: not even as long as we do not know it ourselves.
    administrativeState: found?.kind === 'missing' ? 'down' : 'up',
    administrativeMessage: found?.kind === 'missing' ? found.problem : '',
  };
}

const {
  localAddress: _a,
  sharedSubnets: _s,
  linkLocalAddress: _l,
  type: _t,
  name: _n,
  port: _p,
  passive: _d,
  ...rest
} = peerDefaults;
const withoutIdentity = rest;

function optionFields(options: SessionOptions, families: readonly Family[]) {
  return {
    longLivedStaleSeconds: options.longLivedStaleTime,
    addPath: { receive: options.addPathReceive ?? false, send: options.addPathSend ?? 0 },
    extendedMessages: options.extendedMessages ?? false,
    extendedNextHop: options.extendedNextHop ?? false,
    role: options.role === undefined ? undefined : roles[options.role],
    roleStrict: options.roleStrict ?? false,
    maxPrefixes: prefixLimits(options, families),
    removePrivateAsns: options.removePrivateASNumbers ?? false,
    enforceFirstAs: options.enforceFirstAS ?? peerDefaults.enforceFirstAs,
    gracefulShutdown: options.gracefulShutdown ?? false,
    honourGracefulShutdown: options.honourGracefulShutdown ?? peerDefaults.honourGracefulShutdown,
    notificationRestart: options.notificationRestart ?? peerDefaults.notificationRestart,
    holdExpiryKeeps: options.holdExpiryKeeps ?? peerDefaults.holdExpiryKeeps,
    sendHoldTimeSeconds: options.sendHoldTime,
  } satisfies Partial<PeerConfig>;
}

/** @param usual whether there is BFD where no option says so */
export function bfdOf(options: SessionOptions, usual: boolean): PeerConfig['bfd'] {
  const { bfd = usual ? 'On' : 'Off', bfdInterval, bfdMultiplier } = options;
  if (bfd === 'Off') return undefined;
  return {
    strict: bfd === 'Strict',
    ...(bfdInterval === undefined ? {} : { intervalMs: Math.round(bfdInterval * 1000) }),
    ...(bfdMultiplier === undefined ? {} : { multiplier: bfdMultiplier }),
  };
}

function prefixLimits(options: SessionOptions, families: readonly Family[]): PeerConfig['maxPrefixes'] {
  const { maxPrefixes, maxPrefixesAction = 'Stop', maxPrefixesRestartTime } = options;
  if (maxPrefixes === undefined) return {};
  const limit: PrefixLimit = {
    limit: maxPrefixes,
    warnPercent: WARN_PERCENT,
    action: limitActions[maxPrefixesAction],
    restartSeconds: maxPrefixesRestartTime ?? USUAL_PAUSE_SECONDS,
  };
  return Object.fromEntries(families.map(family => [family, limit]));
}

// ---------------------------------------------------------------- policies

/** The filters that are there, in order, and the names of those that are not. */
export function filtersOf(
  names: readonly string[] | undefined,
  context: PeerContext,
): { readonly found: readonly BGPFilterResource[]; readonly missing: readonly string[] } {
  const found: BGPFilterResource[] = [];
  const missing: string[] = [];
  for (const name of names ?? []) {
    const filter = context.filters.get(name);
    if (filter === undefined) missing.push(name);
    else found.push(filter);
  }
  return { found, missing };
}

/**
 * Filters first, then what holds without any: all is taken in; out goes what the implicit export policy says. A reflector has no such
 * policy: it tells all it knows to internal peers, and nothing to external ones that nobody wrote a filter for (RFC 8212).
 */
function policies(
  names: readonly string[] | undefined,
  families: readonly Family[],
  context: PeerContext,
): { readonly importPolicy: RoutePolicy | undefined; readonly exportPolicy: RoutePolicy | undefined } {
  const { found } = filtersOf(names, context);
  const addressFamilies = families.map(
    (family): AddressFamily => (family === 'ipv4-unicast' ? 'ipv4' : 'ipv6'),
  );
  const imported = filterRules(found, 'import', addressFamilies);
  const exported = filterRules(found, 'export', addressFamilies);
  const implicit = context.options.mode === 'node' ? context.exportPolicy : undefined;
  return {
    importPolicy: imported.length === 0 ? undefined : { rules: imported, otherwise: 'accept' },
    exportPolicy:
      exported.length === 0
        ? implicit
        : {
            rules: [...exported, ...(implicit?.rules ?? [])],
            otherwise: implicit?.otherwise ?? 'accept',
          },
  };
}

// ---------------------------------------------------------------- fields

/** A keepalive longer than a third of the hold time would lose sessions to one dropped message: the hold time follows it. */
function holdAndKeepalive(
  holdTimeSeconds: number,
  keepaliveTimeSeconds: number | undefined,
): Pick<PeerConfig, 'holdTimeSeconds' | 'keepaliveTimeSeconds'> {
  if (keepaliveTimeSeconds === undefined || holdTimeSeconds === 0)
    return { holdTimeSeconds, keepaliveTimeSeconds };
  const keepalive = Math.max(1, Math.round(keepaliveTimeSeconds));
  return {
    holdTimeSeconds: Math.min(65535, Math.max(holdTimeSeconds, 3 * keepalive)),
    keepaliveTimeSeconds: keepalive,
  };
}

const nextHopModes = { Auto: 'auto', Self: 'self', Keep: 'keep' } as const;

function nextHopMode(
  fields: SessionFields & { readonly keepOriginalNextHop?: boolean },
): PeerConfig['nextHopMode'] {
  const { nextHopMode: mode, keepOriginalNextHop } = fields;
  if (mode !== undefined) return nextHopModes[mode];
  return keepOriginalNextHop === true ? 'keep' : 'auto';
}
