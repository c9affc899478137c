/**
 * How many copies of the primary must have a claim (pure). With the primary they are more than half of all that there ever were: of the copies
 * that are left when the primary dies, the one that is most advanced has the claim, as long as most of them are left. Whoever chooses the next
 * primary may choose another: new claims wait for what it is reminded of (`scripts.ts`).
 */

/** @param wanted of the configuration; `auto`: by what was seen @param known the most that there ever were */
export function neededCopies(wanted: number | 'auto', known: number): number {
  return wanted === 'auto' ? Math.floor((1 + known) / 2) : wanted;
}
