/**
 * By which comments rules of ours in built-in chains are known (pure). Rooms that know nothing of each other meet in these chains, and which
 * comes first matters.
 */

/** Rules by which network policy is asked, and all in its chains; a hash of the rule follows. */
export const HASH_PREFIX = 'mgy:';

/** The rule in front of tunnels: it lets nothing in that policy would deny. */
export const TUNNEL_GUARD_COMMENT = 'margay:tunnel-guard';
