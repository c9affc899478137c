/**
 * Why a dial got no answer, as far as the kernel's counters tell (pure). Who drops a segment for its signature (RFC 2385) or for its TTL
 * (RFC 5082) tells nobody, so that a wrong password or a peer without GTSM looks like a host that is away. But the other end answers or
 * dials, too, and what we drop of that is counted: for the whole host, so that it says "probably".
 */
import type { DroppedSegments } from './transport.js';

export interface Asked {
  /** Whether we have a password for the peer. */
  readonly signs: boolean;
  /** Of what it sends; undefined: any will do. */
  readonly minimumTtl: number | undefined;
}

/**
 * @param before the counters when the dial began; undefined where nobody counts
 */
export function unansweredWords(
  { signs, minimumTtl }: Asked,
  before: DroppedSegments | undefined,
  now: DroppedSegments | undefined,
): string {
  if (before === undefined || now === undefined)
    return signs ? 'connection timed out (is the password the same on both ends?)' : 'connection timed out';
  const wrong = now.wrong - before.wrong;
  const missing = now.missing - before.missing;
  const unexpected = now.unexpected - before.unexpected;
  if (signs && wrong > 0) return mismatch('signed with another password', wrong);
  if (signs && missing > 0) return mismatch('without a signature, though a password is set here', missing);
  if (!signs && unexpected > 0)
    return mismatch('with a signature, though no password is set here', unexpected);
  const low = now.lowTtl - before.lowTtl;
  if (minimumTtl !== undefined && low > 0)
    return `no answer: ttlSecurity, probably: ${segments(low)} came in with a TTL below ${minimumTtl}`;
  return signs
    ? 'no answer: the host is away, or has another password for us or none'
    : 'connection timed out';
}

function mismatch(how: string, count: number): string {
  return `no answer: TCP MD5 mismatch, probably: ${segments(count)} came in ${how}`;
}

function segments(count: number): string {
  return count === 1 ? 'a segment' : `${count} segments`;
}
