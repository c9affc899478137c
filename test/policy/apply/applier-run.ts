/** An applier over a fake kernel and a fake clock, and time that passes between them. */
import type { ExecutionContext } from 'ava';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { Implementation } from '../../../linux/iptables-choice.js';
import { FilterApplier } from '../../../policy/apply/applier.js';
import type { BackendSetting } from '../../../policy/apply/backend-choice.js';
import type { ForeignChange, OpenForeignWatch } from '../../../policy/apply/foreign-changes.js';
import { setWatch } from '../../../policy/apply/set-watch.js';
import type { FakeFilterKernel } from './fake-filter-kernel.js';

export const REFRESH_MS = 90_000;

export interface ApplierRun {
  readonly applier: FilterApplier;
  readonly clock: FakeClock;
  readonly logged: string[];
  /** Tells of changes as the backend's watch does. */
  hear(backend: Implementation, ...changes: readonly ForeignChange[]): void;
  /** Lets work go on, and `milliseconds` pass, in small steps. */
  pass(milliseconds: number): Promise<void>;
}

export interface ApplierRunOptions {
  readonly clock?: FakeClock;
  readonly backend?: BackendSetting;
  /** Whether the kernel's own word of its sets can be had. */
  readonly seesSets?: boolean;
  readonly after?: Promise<void>;
}

export function startApplier(
  t: ExecutionContext,
  kernel: FakeFilterKernel,
  { clock = new FakeClock(), backend = 'auto', seesSets = false, after }: ApplierRunOptions = {},
): ApplierRun {
  const logged: string[] = [];
  const listeners = new Map<Implementation, (changes: readonly ForeignChange[]) => void>();
  const watch =
    (of: Implementation): OpenForeignWatch =>
    changed => {
      listeners.set(of, changed);
      return { watch: () => {}, close: () => listeners.delete(of) };
    };
  const sets = setWatch({
    clock,
    open: () => {
      if (!seesSets) throw new Error('errno 1');
      return { read: async () => kernel.setHeaders(), close: () => {} };
    },
  });
  const applier = new FilterApplier({
    kernel,
    clock,
    backend,
    refreshMs: REFRESH_MS,
    ...(after === undefined ? {} : { after }),
    watches: { nft: watch('nft'), legacy: watch('legacy'), sets },
    log: (level, message, detail) => logged.push(`${level} ${message}: ${detail}`),
    changed: () => {},
  });
  t.teardown(() => applier.close());
  return {
    applier,
    clock,
    logged,
    hear: (of, ...changes) => listeners.get(of)?.(changes),
    async pass(milliseconds) {
      const step = Math.max(10, milliseconds / 200);
      for (let left = milliseconds; left > 0; left -= step) {
        await turns();
        clock.advance(Math.min(step, left));
      }
      await turns();
      clock.settle();
      await turns();
    },
  };
}

/** What is under way comes to where it waits for time. */
async function turns(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise(resolve => setImmediate(resolve));
}
