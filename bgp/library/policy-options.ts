/** What a user of `margay/bgp` says of routes and of how many there may be, checked and turned into the speaker's plain configuration (pure). */
import { FAMILIES } from '../family.js';
import type { RoutePredicate } from '../rib/contract.js';
import type { BgpRole, PeerConfig, PrefixLimit, RoutePolicy, SpeakerLimits } from '../speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../speaker/defaults.js';
import type { PeerPolicies } from '../speaker/required-policies.js';
import { MAX_U32, numberOption, OptionError, wordOption } from './option-values.js';

export interface PolicyOptions {
  /** Which of its routes to use, and how to change them. Without one an external peer's are all rejected (RFC 8212). */
  readonly import?: RoutePredicate | RoutePolicy;
  /** Which routes to tell it, and how changed. Without one an external peer is told none (RFC 8212). */
  readonly export?: RoutePredicate | RoutePolicy;
  /** What we are to an external peer (RFC 9234): routes that it may not have are not told, those that it may not tell are not used. */
  readonly role?: BgpRole;
  /** Refuses the session unless the peer says its role as well; by default false. */
  readonly roleStrict?: boolean;
  /** How many prefixes it may tell, by family. */
  readonly maxPrefixes?: { readonly [K in (typeof FAMILIES)[number]]?: PrefixLimitOption };
  /** How often our own AS may stand in the paths it tells, 0 to 255; by default 0. */
  readonly ownAsnsAllowed?: number;
  /** Whether an external peer's AS must stand first in the paths it tells; by default true. */
  readonly enforceFirstAs?: boolean;
  /** Takes all private AS numbers (RFC 6996) out of the paths that an external peer is told; by default false. */
  readonly removePrivateAsns?: boolean;
  /** Tells routes as about to go away (RFC 8326); by default false. */
  readonly gracefulShutdown?: boolean;
  /** Avoids the peer's routes that are about to go away; by default true. */
  readonly honourGracefulShutdown?: boolean;
}

export interface PrefixLimitOption {
  /** 1 to 4294967295. */
  readonly limit: number;
  /** 1 to 100; by default 80. */
  readonly warnPercent?: number;
  /** By default `stop`: down until it is added anew. */
  readonly action?: PrefixLimit['action'];
  /** 1 to 86400; by default 300. */
  readonly restartSeconds?: number;
}

type PolicyFields =
  | 'role'
  | 'roleStrict'
  | 'maxPrefixes'
  | 'ownAsnsAllowed'
  | 'enforceFirstAs'
  | 'removePrivateAsns'
  | 'gracefulShutdown'
  | 'honourGracefulShutdown';

export function policyFields(options: PolicyOptions): Pick<PeerConfig, PolicyFields> {
  const flag = (
    field:
      | 'roleStrict'
      | 'enforceFirstAs'
      | 'removePrivateAsns'
      | 'gracefulShutdown'
      | 'honourGracefulShutdown',
  ) => booleanOption(field, options[field] ?? peerDefaults[field]);
  return {
    role:
      options.role === undefined
        ? undefined
        : wordOption('role', options.role, ['provider', 'rs', 'rs-client', 'customer', 'peer']),
    roleStrict: flag('roleStrict'),
    maxPrefixes: maxPrefixes(options.maxPrefixes ?? {}),
    ownAsnsAllowed: numberOption('ownAsnsAllowed', options.ownAsnsAllowed ?? 0, 0, 255),
    enforceFirstAs: flag('enforceFirstAs'),
    removePrivateAsns: flag('removePrivateAsns'),
    gracefulShutdown: flag('gracefulShutdown'),
    honourGracefulShutdown: flag('honourGracefulShutdown'),
  };
}

function maxPrefixes(options: NonNullable<PolicyOptions['maxPrefixes']>): PeerConfig['maxPrefixes'] {
  return Object.fromEntries(
    Object.entries(options).map(([family, option]) => {
      const field = `maxPrefixes.${wordOption('maxPrefixes', family as (typeof FAMILIES)[number], FAMILIES)}`;
      const { limit, warnPercent = 80, action = 'stop', restartSeconds = 300 } = option;
      return [
        family,
        {
          limit: numberOption(`${field}.limit`, limit, 1, MAX_U32),
          warnPercent: numberOption(`${field}.warnPercent`, warnPercent, 1, 100),
          action: wordOption(`${field}.action`, action, ['warn', 'stop', 'restart']),
          restartSeconds: numberOption(`${field}.restartSeconds`, restartSeconds, 1, 86400),
        },
      ];
    }),
  );
}

/** Undefined where none is asked for: what that means is the speaker's to say (RFC 8212). */
export function peerPolicies(options: PolicyOptions): PeerPolicies {
  for (const field of ['import', 'export'] as const) {
    const policy: unknown = options[field];
    if (policy !== undefined && typeof policy !== 'function' && !isPolicy(policy)) {
      throw new OptionError(field, policy, 'a function of a route, or rules and otherwise');
    }
  }
  return { importPolicy: options.import, exportPolicy: options.export };
}

function isPolicy(policy: unknown): policy is RoutePolicy {
  if (typeof policy !== 'object' || policy === null) return false;
  const { rules, otherwise } = policy as Partial<RoutePolicy>;
  return Array.isArray(rules) && (otherwise === 'accept' || otherwise === 'reject');
}

export function limitsOption(limits: Partial<SpeakerLimits>): SpeakerLimits {
  const { routes, attributeSets, attributeBytes } = { ...speakerDefaults.limits, ...limits };
  return {
    routes: numberOption('limits.routes', routes, 1, Number.MAX_SAFE_INTEGER),
    attributeSets: numberOption('limits.attributeSets', attributeSets, 1, Number.MAX_SAFE_INTEGER),
    attributeBytes: numberOption('limits.attributeBytes', attributeBytes, 1, Number.MAX_SAFE_INTEGER),
  };
}

export function booleanOption(field: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new OptionError(field, value, 'true or false');
  return value;
}
