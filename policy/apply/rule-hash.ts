/**
 * How a rule of ours is written, and known again by a process with no memory (pure): its first comment is `mgy:HASH`, where the hash is of
 * everything before it in its chain, of the chain's name, and of itself. Chains are compared by these hashes, never by text: the kernel's
 * tools print a rule otherwise than it was given.
 */
import { HASH_PREFIX } from '../../linux/rule-comments.js';
import { CHAIN_PREFIX, type RenderedRule } from '../rendered.js';

/** The rules of one chain as they are sent. */
export interface HashedRules {
  /** What follows `-A CHAIN `, comments included. */
  readonly lines: readonly string[];
  /** The hashes in order: chains of one signature hold the same rules. */
  readonly signature: string;
  readonly refersTo: References;
  /** Numbers of rules that cannot be written as one line: what they would do on the next one is anybody's guess. */
  readonly broken: readonly number[];
}

/** Names of ours that rules speak of. */
export interface References {
  readonly chains: ReadonlySet<string>;
  readonly sets: ReadonlySet<string>;
}

/** linux/netfilter/xt_comment.h: XT_MAX_COMMENT_LEN less its zero. */
const MAX_COMMENT = 255;
const MATCH_SET = '--match-set ';
const BREAK = /[\r\n\0]/;
/** What would end a comment, or the line. */
const UNPRINTABLE = /[^ !#-[\]-_a-~]/;
const UNPRINTABLES = new RegExp(UNPRINTABLE, 'g');

/** By the list of rules, which is never changed in place: a chain that stays is hashed once. */
const cache = new WeakMap<
  readonly RenderedRule[],
  { readonly place: string; readonly hashed: HashedRules }
>();

/** @param place the chain's name; of rules in a built-in chain also where they stand there */
export function hashRules(place: string, rules: readonly RenderedRule[]): HashedRules {
  const known = cache.get(rules);
  if (known?.place === place) return known.hashed;
  const hash = new RunningHash(place);
  const lines: string[] = [];
  const hashes: string[] = [];
  const broken: number[] = [];
  const found = new ReferenceList();
  for (const [i, { text, comments }] of rules.entries()) {
    if (BREAK.test(text)) broken.push(i);
    let rest = text;
    for (let n = comments.length - 1; n >= 0; n--)
      rest = `-m comment --comment "${printable(comments[n]!)}" ${rest}`;
    const digest = hash.add(rest);
    hashes.push(digest);
    lines.push(`-m comment --comment "${HASH_PREFIX}${digest}" ${rest}`);
    found.add(text);
  }
  const hashed = { lines, signature: hashes.join(' '), refersTo: found, broken };
  cache.set(rules, { place, hashed });
  return hashed;
}

/** Lists of rules that can be written, each as a line. */
const whole = new WeakSet<readonly RenderedRule[]>();

/** Whether any of {@link HashedRules.broken} is among them: without hashing. */
export function hasBroken(rules: readonly RenderedRule[]): boolean {
  if (whole.has(rules)) return false;
  if (rules.some(({ text }) => BREAK.test(text))) return true;
  whole.add(rules);
  return false;
}

/** Collects what rules refer to, from texts as they are sent or as they are printed. */
export class ReferenceList implements References {
  readonly chains = new Set<string>();
  readonly sets = new Set<string>();

  add(rule: string): void {
    const target = targetOf(rule);
    if (target.startsWith(CHAIN_PREFIX)) this.chains.add(target);
    for (let at = rule.indexOf(MATCH_SET); at >= 0; at = rule.indexOf(MATCH_SET, at)) {
      at += MATCH_SET.length;
      const end = rule.indexOf(' ', at);
      this.sets.add(rule.slice(at, end < 0 ? rule.length : end));
    }
  }
}

/** The chain or target that a rule ends with, if nothing follows: of a chain there is never anything. "" where there is none. */
export function targetOf(rule: string): string {
  const blank = rule.lastIndexOf(' ');
  const letter = rule[blank - 1];
  const isTarget = (letter === 'j' || letter === 'g') && rule[blank - 2] === '-';
  return isTarget && (blank === 2 || rule[blank - 3] === ' ') ? rule.slice(blank + 1) : '';
}

/** A comment for people. */
function printable(comment: string): string {
  const text = UNPRINTABLE.test(comment) ? comment.replaceAll(UNPRINTABLES, '_') : comment;
  return text.length > MAX_COMMENT ? text.slice(0, MAX_COMMENT) : text;
}

/** 64 bits in two lanes, each like FNV-1a with a multiplier of its own; what was added before is part of what comes after. */
class RunningHash {
  #low = 0x811c9dc5;
  #high = 0x2545f491;

  constructor(place: string) {
    this.add(place);
  }

  /** @returns 16 hexadecimal digits */
  add(text: string): string {
    let low = this.#low;
    let high = this.#high;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code ^ (high >>> 15), 0x9e3779b1);
    }
    // A rule's end is not the next one's beginning.
    low = Math.imul(low ^ 0x100, 0x01000193);
    high = Math.imul(high ^ 0x100 ^ (high >>> 15), 0x9e3779b1);
    this.#low = low;
    this.#high = high;
    return hex(low ^ (low >>> 16)) + hex(high ^ (high >>> 13));
  }
}

/** Of 16 bits; a number's own `toString` costs more than the hash. */
const digits: readonly string[] = Array.from({ length: 0x10000 }, (_, value) =>
  value.toString(16).padStart(4, '0'),
);

function hex(value: number): string {
  return digits[value >>> 16]! + digits[value & 0xffff]!;
}
