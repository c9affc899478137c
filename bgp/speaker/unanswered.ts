/**
 * Why a dial got no answer, as far as the kernel's counters tell (pure). Who drops a segment for its signature (RFC 2385) tells nobody, so
 * that a wrong password looks like a host that is away. But the other end dials as well, and what we drop of that is counted: for the
 * whole host, so that it says "probably".
 */
import type { SignatureFailures } from './transport.js';

/**
 * @param signs whether we have a password for the peer
 * @param before the counters when the dial began; undefined where nobody counts
 */
export function unansweredWords(
  signs: boolean,
  before: SignatureFailures | undefined,
  now: SignatureFailures | undefined,
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
  return signs
    ? 'no answer: the host is away, or has another password for us or none'
    : 'connection timed out';
}

function mismatch(how: string, count: number): string {
  return `no answer: TCP MD5 mismatch, probably: ${count === 1 ? 'a segment' : `${count} segments`} came in ${how}`;
}
