/** How far this host is with its first start (pure): what it has seen of the whole, and what that allows. */
import { FAMILIES, type Family } from '../bgp/family.js';

export class FirstSync {
  /** Resolves once the whole table of every family was taken from a RIB in sync, by itself or by time-out. */
  readonly tables: Promise<void>;
  readonly #whole = new Set<Family>();
  readonly #mayDelete: () => void;
  #storeRead = false;
  #resolve = () => {};

  /** @param mayDelete what nobody has announced may go: called whenever the store or a table is in sync, once both were */
  constructor(mayDelete: () => void) {
    this.#mayDelete = mayDelete;
    this.tables = new Promise(resolve => {
      this.#resolve = resolve;
    });
  }

  /** The store was read, not only a copy of it. */
  get storeRead(): boolean {
    return this.#storeRead;
  }

  storeInSync(): void {
    this.#storeRead = true;
    this.#review();
  }

  tableInSync(family: Family): void {
    this.#whole.add(family);
    if (this.#whole.size === FAMILIES.length) this.#resolve();
    this.#review();
  }

  #review(): void {
    if (this.#storeRead && this.#whole.size === FAMILIES.length) this.#mayDelete();
  }
}
