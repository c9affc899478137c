/** Which routes may go to which kind of peer (RFC 4271 section 9.2): what one internal peer says is not told to another. */

/** Without route reflection (RFC 4456) there is nothing more to it than this. */
export function mayAdvertise(from: 'own' | 'ibgp' | 'ebgp', to: 'ibgp' | 'ebgp'): boolean {
  return !(from === 'ibgp' && to === 'ibgp');
}
