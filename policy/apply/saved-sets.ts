/** What `ipset save` says of our sets (pure). */
import type { AddressFamily } from '../../core/ip-address.js';
import { SET_PREFIX } from '../rendered.js';

export interface SavedSet {
  readonly type: string;
  /** Undefined: of no family, as a bitmap of ports. */
  readonly family: AddressFamily | undefined;
  readonly maxElements: number;
  /** Nothing but the type and its sizes, and members without anything of their own: others expire, count, or do not match. */
  readonly plain: boolean;
  readonly members: ReadonlySet<string>;
}

/** Has every port. */
export const ALL_PORTS = 'range 0-65535';
export const PORT_COUNT = 65536;
const sizes = / (?:family|hashsize|maxelem|bucketsize|initval|range) \S+/g;

/** @param saved what `ipset save` prints, of one set or all */
export function parseSavedSets(saved: string): ReadonlyMap<string, SavedSet> {
  const sets = new Map<string, MutableSet>();
  let current: { readonly name: string; readonly set: MutableSet } | undefined;
  for (let at = 0; at < saved.length; ) {
    const newline = saved.indexOf('\n', at);
    const end = newline < 0 ? saved.length : newline;
    if (saved.startsWith('create ', at)) {
      const [, name = '', type = '', ...options] = saved.slice(at, end).split(' ');
      const set = newSet(type, options.join(' '));
      current = undefined;
      if (name.startsWith(SET_PREFIX)) {
        sets.set(name, set);
        current = { name, set };
      }
    } else if (current !== undefined && saved.startsWith('add ', at)) {
      const from = at + 4 + current.name.length + 1;
      const blank = saved.indexOf(' ', from);
      const odd = blank >= 0 && blank < end;
      if (odd && saved.slice(blank, end).trim() !== '') current.set.plain = false;
      current.set.members.add(saved.slice(from, odd ? blank : end));
    }
    at = end + 1;
  }
  return sets;
}

type MutableSet = SavedSet & { plain: boolean; members: Set<string> };

function newSet(type: string, options: string): MutableSet {
  const family = /\bfamily (\S+)/.exec(options)?.[1];
  const bitmap = type.startsWith('bitmap:');
  return {
    type,
    family: family === undefined ? undefined : family === 'inet6' ? 'ipv6' : 'ipv4',
    maxElements: bitmap ? PORT_COUNT : Number(/\bmaxelem (\d+)/.exec(options)?.[1] ?? 0),
    plain: ` ${options}`.replaceAll(sizes, '').trim() === '' && (!bitmap || options.includes(ALL_PORTS)),
    members: new Set(),
  };
}
