/**
 * SHELL: this host's own Node in the store: its address chosen anew whenever the kernel has others, the document written where it is not what
 * it should be.
 */
import type { Clock } from '../core/clock.js';
import type { AddressFamily } from '../core/ip-address.js';
import type { NodeResource, Resource } from '../core/resources/resource.js';
import type { Store } from '../store/port.js';
import { type ResourceChange, sameValue } from './calculators/calculator.js';
import type { NodeAddressChoice } from './node-address.js';
import { type Kept, KeptDocument, keepDocument } from './own-documents.js';
import { chosenAddresses, mendedNode, type OwnIdentity, rightOwnNode } from './own-node.js';

type Choices = Readonly<Record<AddressFamily, NodeAddressChoice>>;

export interface OwnNodeKeeperOptions {
  readonly nodeName: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly nodeAddress: (family: AddressFamily) => NodeAddressChoice;
  /** Why nothing is to be written in this host's name; undefined: it may be. */
  readonly withheld: () => string | undefined;
  /** Resolves when it has been looked whether this host's name is still its own. */
  readonly confirmed: () => Promise<void>;
  /** The document as it is in force. */
  readonly known: () => NodeResource | undefined;
  /** What other hosts must know of this one's tunnels, given its document: what stood in an earlier one counts no more. */
  readonly identity: (node: NodeResource | undefined) => OwnIdentity;
  /** It is in force from now on. */
  readonly written: (node: Resource) => void;
  /** A problem came or went, or another address was chosen. */
  readonly changed: () => void;
  readonly warn: (problem: string) => void;
}

export class OwnNodeKeeper {
  readonly #options: OwnNodeKeeperOptions;
  readonly #document: KeptDocument;
  #choices: Choices | undefined;
  #problem: string | undefined;
  #identity: OwnIdentity | undefined;

  constructor(options: OwnNodeKeeperOptions) {
    this.#options = options;
    this.#document = new KeptDocument(
      options.clock,
      () => this.#keep(),
      kept => this.#kept(kept),
    );
  }

  /** As of the last look at the document. */
  get choices(): Choices | undefined {
    return this.#choices;
  }

  /** Why the document cannot be kept, in words. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when the document has been looked at. */
  request(): Promise<void> {
    return this.#document.request();
  }

  /** What is in force after a change that leaves something to be put right, which is then done. */
  mended(change: ResourceChange): NodeResource | undefined {
    const { nodeName, identity } = this.#options;
    const mended = mendedNode(change, nodeName, this.#choose(), identity);
    if (mended === undefined) return undefined;
    // A host that was deleted on purpose is not to make its Node again.
    if (change.kind === 'deleted') void this.#options.confirmed().then(() => this.request());
    else void this.request();
    return mended;
  }

  /** The kernel or the calculators may say something else now. */
  review(): void {
    const { identity, known } = this.#options;
    const [choices, now] = [this.#choose(), identity(known())];
    const same = this.#identity === undefined || sameValue(this.#identity, now);
    this.#identity = now;
    if (!same || !sameValue(this.#choices, choices)) void this.request();
  }

  close(): void {
    this.#document.close();
  }

  async #keep(): Promise<Kept> {
    const { store, nodeName, identity, withheld } = this.#options;
    const choices = this.#choose();
    this.#choices = choices;
    const reason = withheld();
    if (reason !== undefined) return { kind: 'failed', problem: reason };
    if (choices.ipv4.kind === 'refused') return { kind: 'failed', problem: choices.ipv4.reason };
    return keepDocument(store, { kind: 'Node', name: nodeName }, found => {
      const node = found?.kind === 'Node' ? found : undefined;
      // A host that may announce nothing makes no Node.
      if (node === undefined && choices.ipv4.kind === 'withheld') return undefined;
      return rightOwnNode(node, nodeName, chosenAddresses(choices), identity(node));
    });
  }

  /** A store that cannot be written keeps no host from having an address. */
  #pretend(): void {
    const { nodeName, identity, known, written } = this.#options;
    const choices = this.#choose();
    if (choices.ipv4.kind === 'refused' || this.#options.withheld() !== undefined) return;
    const node = known();
    const right = rightOwnNode(node, nodeName, chosenAddresses(choices), identity(node));
    if (right !== undefined) written(right);
  }

  #choose(): Choices {
    const { nodeAddress } = this.#options;
    return { ipv4: nodeAddress('ipv4'), ipv6: nodeAddress('ipv6') };
  }

  #kept(kept: Kept): void {
    const problem = kept.kind === 'failed' ? kept.problem : lackOf(this.#choices);
    if (problem !== undefined && problem !== this.#problem) this.#options.warn(problem);
    this.#problem = problem;
    if (kept.kind === 'written') this.#options.written(kept.resource);
    else if (kept.kind === 'failed') this.#pretend();
    this.#options.changed();
  }
}

function lackOf(choices: Choices | undefined): string | undefined {
  const lacking = [choices?.ipv4, choices?.ipv6].find(
    choice => choice?.kind === 'refused' || choice?.kind === 'withheld',
  );
  return lacking?.kind === 'refused' || lacking?.kind === 'withheld' ? lacking.reason : undefined;
}
