/** What a peer's connections must be like (pure): TTLs (RFC 5082) and signatures (RFC 2385). */
import type { PeerConfig } from './contract.js';
import type { ConnectionTerms } from './transport.js';

/** RFC 5082 section 3: who sends with the highest TTL of all can be told from everybody farther away. */
const HIGHEST_TTL = 255;

export function connectionTerms({
  ttl,
  ttlSecurityHops,
  password,
}: Pick<PeerConfig, 'ttl' | 'ttlSecurityHops' | 'password'>): ConnectionTerms {
  if (ttlSecurityHops === undefined) return { ttl, minimumTtl: undefined, password };
  return { ttl: HIGHEST_TTL, minimumTtl: HIGHEST_TTL + 1 - ttlSecurityHops, password };
}

export function sameTerms(a: ConnectionTerms, b: ConnectionTerms): boolean {
  return a.ttl === b.ttl && a.minimumTtl === b.minimumTtl && a.password === b.password;
}
