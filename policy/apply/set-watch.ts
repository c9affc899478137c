/** SHELL: looks at the headers of the kernel's sets twice a second: it tells nobody when they change. */
import type { Clock, Timer } from '../../core/clock.js';
import type { IpsetHeader } from '../../linux/netlink/ipset.js';
import { SetDrift } from './set-drift.js';
import type { SavedSets } from './set-plan.js';

export interface SetWatchOptions {
  readonly clock: Clock;
  /** @throws where no socket can be had */
  readonly open: () => SetHeaders;
}

/** What `IpsetHeaders` is, as a port. */
export interface SetHeaders {
  /** By name, of every set there is. @throws where the kernel refuses */
  read(): Promise<ReadonlyMap<string, IpsetHeader>>;
  close(): void;
}

export interface SetWatchEvents {
  /** What we know of the kernel's sets: the same object until it is read or written anew. Undefined: it is being written. */
  readonly known: () => SavedSets | undefined;
  /** Others have changed sets of ours. @param atMostAgoMs how long ago at most */
  readonly changed: (atMostAgoMs: number) => void;
  /** They cannot be looked at; it is tried now and then, and not said again. */
  readonly failed: (reason: string) => void;
}

export type OpenSetWatch = (events: SetWatchEvents) => { close(): void };

/** A look costs 10 us a set on the kernel's side and ours: 1 % of a processor at 500 sets. */
const POLL_MS = 500;
/** After a look during which we wrote. */
const AGAIN_MS = 50;
const FAILED_MS = 10_000;

export function setWatch({ clock, open }: SetWatchOptions): OpenSetWatch {
  return ({ known, changed, failed }) => {
    const drift = new SetDrift();
    let headers: SetHeaders | undefined;
    let lookedMs = clock.now();
    let hasFailed = false;
    let closed = false;
    let timer: Timer | undefined;
    const look = async (): Promise<number> => {
      const before = known();
      if (before === undefined) return AGAIN_MS;
      const beganMs = clock.now();
      headers ??= open();
      const found = before.size === 0 ? new Map() : await headers.read();
      // What was seen may have been half of what we did.
      if (known() !== before) return AGAIN_MS;
      const atMostAgoMs = clock.now() - lookedMs;
      lookedMs = beganMs;
      if (drift.compare(before, found).length > 0 && !closed) changed(atMostAgoMs);
      return POLL_MS;
    };
    const poll = async () => {
      const pauseMs = await look().catch((error: Error) => {
        if (!hasFailed && !closed) failed(error.message);
        hasFailed = true;
        return FAILED_MS;
      });
      if (!closed) timer = clock.schedule(pauseMs, () => void poll());
    };
    timer = clock.schedule(POLL_MS, () => void poll());
    return {
      close() {
        closed = true;
        timer?.cancel();
        headers?.close();
      },
    };
  };
}
