/**
 * What takes more than one message to do to a link, pure.
 *
 * Making: the kernel takes everything but the alias in the message that makes a link, and leaves the alias for a second one. A process
 * that dies between the two would leave a device that nobody knows for ours, so both go out in one datagram, which the kernel works
 * through whatever becomes of its sender. Where the first is refused the second must not hit another's device: links are made under
 * indexes that nobody has, and the second repeats kind and parameters, which the kernel refuses for a device of another kind.
 *
 * Changing: the kernel refuses an MTU that comes with the parameters of a VXLAN device, so parameters go first and alone.
 */
import type { KernelRefusal } from './connection.js';
import { Flag } from './constants.js';
import { type LinkChange, type NewLink, writeLinkChange, writeNewLink } from './link.js';
import type { MessageWriter } from './message.js';

/** One RTM_NEWLINK. */
export interface LinkRequest {
  /** Of what it is done for, in the caller's list. */
  readonly place: number;
  readonly flags: number;
  write(writer: MessageWriter): void;
}

/** @param ifindexes as many as links */
export function creationRequests(
  links: readonly NewLink[],
  ifindexes: readonly number[],
): readonly LinkRequest[] {
  return links.flatMap((link, place): readonly LinkRequest[] => {
    const { alias, tunnel } = link;
    const ifindex = ifindexes[place]!;
    return [
      {
        place,
        flags: Flag.create | Flag.exclusive,
        write: writer => writeNewLink(writer, link, ifindex),
      },
      { place, flags: 0, write: writer => writeLinkChange(writer, { ifindex, alias, tunnel }) },
    ];
  });
}

export function changeRequests(changes: readonly LinkChange[]): readonly LinkRequest[] {
  return changes.flatMap((change, place): readonly LinkRequest[] => {
    const { tunnel, ...rest } = change;
    const parts: readonly LinkChange[] =
      tunnel === undefined ? [rest] : [{ ifindex: change.ifindex, tunnel }, rest];
    return parts.map(part => ({ place, flags: 0, write: writer => writeLinkChange(writer, part) }));
  });
}

/** The first refusal of each is the reason; others may follow from it. @param refusals by place in `requests` */
export function refusalsByPlace(
  requests: readonly LinkRequest[],
  refusals: ReadonlyMap<number, KernelRefusal>,
): ReadonlyMap<number, KernelRefusal> {
  const byPlace = new Map<number, KernelRefusal>();
  for (const [i, { place }] of requests.entries()) {
    const refusal = refusals.get(i);
    if (refusal !== undefined && !byPlace.has(place)) byPlace.set(place, refusal);
  }
  return byPlace;
}

/** ifindex is a positive int. */
const HIGHEST_IFINDEX = 0x7fffffff;
/** Somebody else may make a link at the same moment, and gets the next free index. */
const SPREAD = 0x10000;

/** As many indexes as wanted that no link of `taken` has, a little above the highest. @param random as Math.random */
export function freeIfindexes(
  taken: readonly number[],
  count: number,
  random: () => number,
): readonly number[] {
  const known = new Set(taken);
  const free: number[] = [];
  let candidate = taken.reduce((a, b) => Math.max(a, b), 0) + 1 + Math.floor(random() * SPREAD);
  for (; free.length < count; candidate++) {
    if (candidate > HIGHEST_IFINDEX) candidate = 1;
    if (!known.has(candidate)) free.push(candidate);
  }
  return free;
}
