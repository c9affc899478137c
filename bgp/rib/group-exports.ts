/** What a group of peers is told of a path of a prefix, by the group's view and export policy: the number of an exported block. */
import type { ExportView } from './export-view.js';
import { ExportedBlocks, PER_PREFIX } from './exported-blocks.js';
import type { Path } from './path-store.js';
import {
  asksInterface,
  type CompiledPolicy,
  type PathPolicy,
  policyForPath,
  type Ruling,
  rulingOn,
} from './policy.js';
import type { GroupContext } from './update-group.js';

export interface ExportPolicies {
  readonly local: CompiledPolicy;
  readonly peers: CompiledPolicy;
}

export class GroupExports {
  readonly blocks: ExportedBlocks;
  readonly #context: GroupContext;
  readonly #policies: ExportPolicies;
  readonly #resolve: (number: number) => Path;

  constructor(view: ExportView, policies: ExportPolicies, context: GroupContext) {
    this.#context = context;
    this.#policies = policies;
    this.#resolve = number => context.paths.at(number);
    this.blocks = new ExportedBlocks(view, context.audiences, path => this.#policyFor(path));
  }

  /** 0 if nothing is told. */
  of(number: number, id: number): number {
    if (number === 0) return 0;
    const block = this.ofPath(number);
    return block === PER_PREFIX ? this.ofPrefix(number, id) : block;
  }

  /** For all prefixes of a path, or PER_PREFIX. Hot path. */
  ofPath(number: number): number {
    return this.blocks.of(number, this.#resolve);
  }

  ofPrefix(number: number, id: number): number {
    const path = this.#context.paths.at(number);
    return this.blocks.ofPrefix(path, policy => this.#judge(policy, path, id));
  }

  /** Whether nothing but the want of a next hop keeps the path from being told of the prefix. */
  lacksNextHop(number: number, id: number): boolean {
    return this.blocks.lacksNextHop(number, policy =>
      this.#judge(policy, this.#context.paths.at(number), id),
    );
  }

  get asksInterface(): boolean {
    return asksInterface(this.#policies.local) || asksInterface(this.#policies.peers);
  }

  /** What the export policy says of a selected path. */
  rulingOn(path: Path, id: number): Ruling {
    return this.#judge(this.#policyFor(path), path, id);
  }

  #policyFor(path: Path): PathPolicy {
    const policy = path.session.kind === 'own' ? this.#policies.local : this.#policies.peers;
    return policyForPath(policy, () => this.#context.paths.factsOf(path.session, path.block));
  }

  #judge(policy: PathPolicy, path: Path, id: number): Ruling {
    return rulingOn(policy, this.#context.prefixes, id, () => this.#context.detail(path, id));
  }
}
