/**
 * What an update group tells of paths: encoded attributes and an audience, made once per path and shared by the paths that come
 * out the same. A number stands for it in the group's `sent` column. It is freed with the last path that leads to it, at a quiet
 * point, when every prefix has been decided: so no `sent` entry can outlive it.
 */

import type { RouteOperation } from '../speaker/route-policy.js';
import { encodeAttributes } from '../wire/attributes/codec.js';
import { HEADER_LENGTH } from '../wire/framer.js';
import type { Audiences } from './audience.js';
import { ExportEncoder } from './export-encoder.js';
import { type ExportView, exportPath, lacksNextHop, thirdPartyOf } from './export-view.js';
import type { Path } from './path-store.js';
import type { PathPolicy, Ruling } from './policy.js';
import { grownInt32 } from './prefix-table.js';
import { announceForm, announceFormOf, type MessageForm } from './update-packer.js';

export interface ExportedBlock {
  readonly number: number;
  readonly hash: number;
  readonly form: MessageForm;
  readonly audience: number;
  /** Paths that lead to it. */
  references: number;
  /** Another block of the same hash. */
  nextInBucket: ExportedBlock | undefined;
}

const NOT_EXPORTED = -1;
/** Not exported because of nothing but that. */
const NO_NEXT_HOP = -3;
/** What is told of the path depends on the prefix: ask {@link ExportedBlocks.ofPrefix}. */
export const PER_PREFIX = -2;

interface PrefixBlocks {
  readonly policy: PathPolicy;
  /** By ruling: block number, NOT_EXPORTED or NO_NEXT_HOP. */
  readonly blocks: Map<string, number>;
}

export class ExportedBlocks {
  readonly #view: ExportView;
  readonly #audiences: Audiences;
  readonly #buckets = new Map<number, ExportedBlock>();
  readonly #encoder: ExportEncoder;
  readonly #blocks: (ExportedBlock | undefined)[] = [undefined];
  readonly #freeNumbers: number[] = [];
  /** By path number: block number, NOT_EXPORTED, NO_NEXT_HOP, PER_PREFIX, or 0 for not known yet. */
  #byPath = new Int32Array(256);

  /** By path number, where it depends on the prefix. */
  readonly #perPrefix = new Map<number, PrefixBlocks>();
  readonly #policyFor: (path: Path) => PathPolicy;
  /** How many entries are NO_NEXT_HOP. */
  #lacking = 0;

  /** `policyFor` is what the export policy asks of the prefixes of a path. */
  constructor(view: ExportView, audiences: Audiences, policyFor: (path: Path) => PathPolicy) {
    this.#policyFor = policyFor;
    this.#view = view;
    this.#encoder = new ExportEncoder(view);
    this.#audiences = audiences;
  }

  at(number: number): ExportedBlock {
    return this.#blocks[number]!;
  }

  /** Whether there may be paths of which {@link lacksNextHop} is true. */
  get mayLackNextHops(): boolean {
    return this.#lacking > 0;
  }

  /** Whether nothing but the want of a next hop keeps a path from being told of a prefix, of which `judge` says what the policy rules. */
  lacksNextHop(pathNumber: number, judge: (policy: PathPolicy) => Ruling): boolean {
    const known = this.#byPath[pathNumber];
    if (known !== PER_PREFIX) return known === NO_NEXT_HOP;
    const { policy, blocks } = this.#perPrefix.get(pathNumber)!;
    return blocks.get(judge(policy).key) === NO_NEXT_HOP;
  }

  /**
   * The number of what is told of a path, 0 if nothing, or PER_PREFIX. `resolve` is asked for the path only the first time. Hot path.
   */
  of(pathNumber: number, resolve: (number: number) => Path): number {
    const known = this.#byPath[pathNumber];
    if (known !== undefined && known !== 0)
      return known === NOT_EXPORTED || known === NO_NEXT_HOP ? 0 : known;
    return this.#export(resolve(pathNumber));
  }

  #export(path: Path): number {
    if (path.number >= this.#byPath.length) this.#byPath = grownInt32(this.#byPath, 2 * path.number);
    const policy = this.#policyFor(path);
    if (policy.kind === 'constant') {
      const number = this.#intern(path, policy.ruling);
      this.#byPath[path.number] = number;
      return Math.max(0, number);
    }
    this.#perPrefix.set(path.number, { policy, blocks: new Map() });
    this.#byPath[path.number] = PER_PREFIX;
    return PER_PREFIX;
  }

  /** The same for one prefix of a path that is PER_PREFIX. `judge` says what its policy rules. */
  ofPrefix(path: Path, judge: (policy: PathPolicy) => Ruling): number {
    const { policy, blocks } = this.#perPrefix.get(path.number)!;
    const ruling = judge(policy);
    let number = blocks.get(ruling.key);
    if (number === undefined) {
      number = this.#intern(path, ruling);
      blocks.set(ruling.key, number);
    }
    return Math.max(0, number);
  }

  /** A block's number, NOT_EXPORTED or NO_NEXT_HOP. */
  #intern(path: Path, { accept, operations }: Ruling): number {
    if (!accept) return NOT_EXPORTED;
    const encoded = operations.length === 0 ? this.#encoder.encode(path) : undefined;
    if (encoded === false) return this.#untold(path);
    const form = encoded === undefined ? this.#encodeSlowly(path, operations) : this.#encodedForm();
    if (form === undefined) return this.#untold(path);
    const audience = this.#audiences.of(path.session.source.index, thirdPartyOf(path, this.#view));
    const hash = hashOf(form, audience);
    const first = this.#buckets.get(hash);
    let block = first;
    while (block !== undefined && !(block.audience === audience && sameForm(block.form, form))) {
      block = block.nextInBucket;
    }
    if (block === undefined) {
      const number = this.#freeNumbers.pop() ?? this.#blocks.length;
      // The encoder's octets are overwritten by the next path.
      const head = encoded === undefined ? form.head : form.head.slice();
      const { tail, maxLength, lengths } = form;
      block = {
        number,
        hash,
        audience,
        form: { head, tail, maxLength, lengths },
        references: 0,
        nextInBucket: first,
      };
      this.#audiences.acquire(audience);
      this.#blocks[number] = block;
      this.#buckets.set(hash, block);
    }
    block.references++;
    return block.number;
  }

  #untold(path: Path): number {
    if (!lacksNextHop(path, this.#view)) return NOT_EXPORTED;
    this.#lacking++;
    return NO_NEXT_HOP;
  }

  #encodedForm(): MessageForm {
    const { message, length } = this.#encoder;
    message[HEADER_LENGTH + 2] = (length - HEADER_LENGTH - 4) >>> 8;
    message[HEADER_LENGTH + 3] = length - HEADER_LENGTH - 4;
    return announceFormOf(message.subarray(0, length), this.#view.maxMessageLength);
  }

  #encodeSlowly(path: Path, operations: readonly RouteOperation[]): MessageForm | undefined {
    const exported = exportPath(path, this.#view, operations);
    if (exported === undefined) return undefined;
    const { fourOctetAs, kind, family, maxMessageLength } = this.#view;
    const bytes = encodeAttributes(exported.attributes, { fourOctetAs, ibgp: kind === 'ibgp' });
    return announceForm(family, bytes, exported, maxMessageLength);
  }

  /** The path is no more. */
  forget(path: Path): void {
    const number = this.#byPath[path.number] ?? 0;
    if (number === 0) return;
    this.#byPath[path.number] = 0;
    if (number !== PER_PREFIX) {
      this.#letGo(number);
      return;
    }
    for (const each of this.#perPrefix.get(path.number)!.blocks.values()) this.#letGo(each);
    this.#perPrefix.delete(path.number);
  }

  #letGo(number: number): void {
    if (number > 0) this.#release(number);
    else if (number === NO_NEXT_HOP) this.#lacking--;
  }

  /** The group is no more. */
  close(): void {
    for (const block of this.#blocks) if (block !== undefined) this.#audiences.release(block.audience);
    this.#blocks.length = 1;
  }

  #release(number: number): void {
    const block = this.#blocks[number]!;
    if (--block.references > 0) return;
    this.#unlink(block);
    this.#audiences.release(block.audience);
    this.#blocks[number] = undefined;
    this.#freeNumbers.push(number);
  }

  #unlink(block: ExportedBlock): void {
    let at = this.#buckets.get(block.hash);
    if (at === block) {
      if (block.nextInBucket === undefined) this.#buckets.delete(block.hash);
      else this.#buckets.set(block.hash, block.nextInBucket);
      return;
    }
    while (at !== undefined && at.nextInBucket !== block) at = at.nextInBucket;
    if (at !== undefined) at.nextInBucket = block.nextInBucket;
  }
}

/** Whether the same is said of a prefix, to whomever. */
export function sameForm(a: MessageForm, b: MessageForm): boolean {
  return a === b || (sameOctets(a.head, b.head) && sameOctets(a.tail, b.tail));
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function hashOf({ head, tail }: MessageForm, audience: number): number {
  let hash = audience ^ head.length;
  for (let i = HEADER_LENGTH; i < head.length; i++) hash = Math.imul(hash ^ head[i]!, 0x01000193);
  for (let i = 0; i < tail.length; i++) hash = Math.imul(hash ^ tail[i]!, 0x01000193);
  return hash;
}
