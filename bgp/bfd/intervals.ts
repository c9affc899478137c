/** How often a session sends and how long it waits (RFC 5880 sections 6.8.2 to 6.8.4 and 6.8.7). Pure. */

/** Microseconds between periodic packets before jitter; undefined: none are sent. */
export function transmitIntervalUs(desiredMinTxUs: number, remoteMinRxUs: number): number | undefined {
  return remoteMinRxUs === 0 ? undefined : Math.max(desiredMinTxUs, remoteMinRxUs);
}

/** Microseconds of silence after which the peer is gone (asynchronous mode). */
export function detectionTimeUs(
  requiredMinRxUs: number,
  remote: { readonly detectMultiplier: number; readonly desiredMinTxUs: number },
): number {
  return remote.detectMultiplier * Math.max(requiredMinRxUs, remote.desiredMinTxUs);
}

/**
 * "Reduced by a random value of 0 to 25%"; where one lost packet is the end (a multiplier of 1), "no more than 90%" remains.
 *
 * @param random 0 to 1
 */
export function jittered(interval: number, detectMultiplier: number, random: number): number {
  const most = detectMultiplier === 1 ? 0.9 : 1;
  return interval * (0.75 + random * (most - 0.75));
}
