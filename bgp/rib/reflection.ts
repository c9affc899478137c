/**
 * Which routes may go to which kind of peer: what one internal peer says is not told to another (RFC 4271 section 9.2), unless one of
 * the two is a client of ours (RFC 4456 section 6): a client's routes are reflected to everyone, those of the others to clients.
 *
 * A reflected route keeps its attributes, NEXT_HOP among them whatever the session's next-hop mode (section 10). It is given
 * ORIGINATOR_ID, the identifier of the peer it came from, where it has none, and our CLUSTER_ID in front of CLUSTER_LIST (section 8).
 * It goes to every peer but the one it came from and one whose own address is the next hop (`audience.ts`): also to its originator, if
 * that is neither, who will refuse it by the loop checks (`path-store.ts`). To leave the originator out would cost one more kind of
 * audience, and BIRD and FRR tell it too.
 */

/** @param client whether one of the two is a client */
export function mayAdvertise(from: 'own' | 'ibgp' | 'ebgp', to: 'ibgp' | 'ebgp', client: boolean): boolean {
  return client || !isReflected(from, to);
}

/** From one internal peer to another. */
export function isReflected(from: 'own' | 'ibgp' | 'ebgp', to: 'ibgp' | 'ebgp'): boolean {
  return from === 'ibgp' && to === 'ibgp';
}
