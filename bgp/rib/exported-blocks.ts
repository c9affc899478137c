/**
 * What an update group tells of paths: encoded attributes and an audience, made once per path and shared by the paths that come
 * out the same. A number stands for it in the group's `sent` column. It is freed with the last path that leads to it, at a quiet
 * point, when every prefix has been decided: so no `sent` entry can outlive it.
 */

import type { IpAddress } from '../../core/ip-address.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { encodeAttributes } from '../wire/attributes/codec.js';
import type { Audiences } from './audience.js';
import { type ExportView, exportPath } from './export-view.js';
import type { Path } from './path-store.js';
import { grownInt32 } from './prefix-table.js';
import { announceForm, type MessageForm } from './update-packer.js';

export interface ExportedBlock {
  readonly number: number;
  readonly key: string;
  /** Next hop and attributes, without the audience. */
  readonly body: string;
  readonly form: MessageForm;
  readonly audience: number;
  /** For queries: what was encoded. */
  readonly attributes: PathAttributes;
  readonly nextHop: IpAddress;
  /** Paths that lead to it. */
  references: number;
}

const NOT_EXPORTED = -1;

export class ExportedBlocks {
  readonly #view: ExportView;
  readonly #audiences: Audiences;
  readonly #byKey = new Map<string, ExportedBlock>();
  readonly #blocks: (ExportedBlock | undefined)[] = [undefined];
  readonly #freeNumbers: number[] = [];
  /** By path number: block number, NOT_EXPORTED, or 0 for not known yet. */
  #byPath = new Int32Array(256);

  readonly #mayPass: (path: Path) => boolean;

  /** `mayPass` is false for paths that the export policy refuses whatever the prefix. */
  constructor(view: ExportView, audiences: Audiences, mayPass: (path: Path) => boolean) {
    this.#mayPass = mayPass;
    this.#view = view;
    this.#audiences = audiences;
  }

  at(number: number): ExportedBlock {
    return this.#blocks[number]!;
  }

  /** The number of what is told of a path, 0 if nothing. `resolve` is asked for the path only the first time. Hot path. */
  of(pathNumber: number, resolve: (number: number) => Path): number {
    const known = this.#byPath[pathNumber];
    if (known !== undefined && known !== 0) return known === NOT_EXPORTED ? 0 : known;
    return this.#export(resolve(pathNumber));
  }

  #export(path: Path): number {
    if (path.number >= this.#byPath.length) this.#byPath = grownInt32(this.#byPath, 2 * path.number);
    const number = this.#intern(path);
    this.#byPath[path.number] = number === 0 ? NOT_EXPORTED : number;
    return number;
  }

  #intern(path: Path): number {
    const exported = this.#mayPass(path) ? exportPath(path, this.#view) : undefined;
    if (exported === undefined) return 0;
    const { attributes, nextHop, thirdParty } = exported;
    const bytes = encodeAttributes(attributes, {
      fourOctetAs: this.#view.fourOctetAs,
      ibgp: this.#view.kind === 'ibgp',
    });
    const audience = this.#audiences.of(path.session.source.index, thirdParty);
    const body = `${nextHop} ${textOf(bytes)}`;
    const key = `${audience} ${body}`;
    let block = this.#byKey.get(key);
    if (block === undefined) {
      const form = announceForm(this.#view.family, bytes, nextHop);
      if (form === undefined) return 0;
      const number = this.#freeNumbers.pop() ?? this.#blocks.length;
      block = { number, key, body, form, audience, attributes, nextHop, references: 0 };
      this.#blocks[number] = block;
      this.#byKey.set(key, block);
    }
    block.references++;
    return block.number;
  }

  /** The path is no more. */
  forget(path: Path): void {
    const number = this.#byPath[path.number] ?? 0;
    if (number === 0) return;
    this.#byPath[path.number] = 0;
    if (number === NOT_EXPORTED) return;
    const block = this.#blocks[number]!;
    if (--block.references > 0) return;
    this.#byKey.delete(block.key);
    this.#blocks[number] = undefined;
    this.#freeNumbers.push(number);
  }
}

function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
