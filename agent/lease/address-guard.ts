/** SHELL: other nodes with this host's addresses: whether they live, as far as that matters; `address-claim.ts` decides. */
import type { Clock, Timer } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Store } from '../../store/port.js';
import { type AddressClaim, type AddressMove, type AddressRival, addressMove } from './address-claim.js';
import { nodeLeaseName } from './lease-document.js';
import { LeaseRecord } from './lease-record.js';
import { missLease, seeLease } from './lease-sight.js';

export interface AddressGuardOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** What this host would announce itself by. */
  readonly claims: () => readonly AddressClaim[];
  /** Other nodes with that address. */
  readonly rivals: (address: IpAddress) => readonly string[];
  /** Something else may have to be done now. */
  readonly looked: () => void;
}

export interface AddressVerdict {
  readonly move: AddressMove;
  /** Who stands in the way, or may. */
  readonly rival: AddressRival | undefined;
}

const LOOK_MS = 5000;
const free: AddressVerdict = { move: 'announce', rival: undefined };

export class AddressGuard {
  readonly #options: AddressGuardOptions;
  readonly #leases = new Map<string, AddressRival['lease']>();
  #timer: Timer | undefined;
  #looking = false;
  #closed = false;

  constructor(options: AddressGuardOptions) {
    this.#options = options;
  }

  /** The least that is allowed by any other node with the address, as far as they are known. */
  verdictOf(claim: AddressClaim): AddressVerdict {
    const verdicts = this.#options.rivals(claim.address).map(node => {
      const rival: AddressRival = { node, lease: this.#leases.get(node) };
      return { move: addressMove(claim, rival), rival };
    });
    return (
      verdicts.find(({ move }) => move === 'refuse') ?? verdicts.find(({ move }) => move === 'wait') ?? free
    );
  }

  /** Nodes may have come and gone: watches those that count, from now on until there are none. */
  review(): void {
    if (!this.#closed && !this.#looking && this.#timer === undefined && this.#rivals().length > 0)
      void this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const rivals = this.#rivals();
    for (const name of this.#leases.keys()) if (!rivals.includes(name)) this.#leases.delete(name);
    for (const name of rivals) await this.#read(name);
    this.#looking = false;
    if (this.#closed) return;
    if (rivals.length > 0) this.#timer = this.#options.clock.schedule(LOOK_MS, () => this.#again());
    this.#options.looked();
  }

  #again(): void {
    this.#timer = undefined;
    void this.#look();
  }

  async #read(name: string): Promise<void> {
    const { store, clock } = this.#options;
    const known = this.#leases.get(name);
    const before = known === 'none' ? undefined : known;
    const found = await new LeaseRecord(store, clock, nodeLeaseName(name)).read();
    if (found.kind === 'unavailable') {
      if (before !== undefined) this.#leases.set(name, missLease(before));
      return;
    }
    const look = { ...found, longestGapMs: 2 * LOOK_MS };
    this.#leases.set(name, found.spec === undefined ? 'none' : seeLease(before, found.spec, look));
  }

  #rivals(): readonly string[] {
    const { claims, rivals } = this.#options;
    return [...new Set(claims().flatMap(({ address }) => rivals(address)))];
  }
}
