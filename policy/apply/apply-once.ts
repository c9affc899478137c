/** SHELL: what is done without an agent that goes on: a plan for people, and taking everything away. */
import type { Clock } from '../../core/clock.js';
import type { RenderedFilter } from '../rendered.js';
import type { BackendSetting } from './backend-choice.js';
import { describePlan } from './dry-run.js';
import { FilterDriver } from './filter-driver.js';
import type { FilterKernel } from './kernel.js';

export interface OnceOptions {
  readonly kernel: FilterKernel;
  readonly clock: Clock;
  readonly backend: BackendSetting;
}

/** What applying the filter would do; undefined: nothing. Writes nothing. @throws where the packet filter cannot be read */
export async function dryRun(options: OnceOptions, filter: RenderedFilter): Promise<string | undefined> {
  const driver = new FilterDriver(options);
  const families = [...new Set(filter.tables.map(({ family }) => family))];
  await driver.chooseAll(families, { probe: false });
  await driver.read(families);
  return describePlan(driver.plan(filter));
}

/** Nothing of ours is left, in no backend. @throws where something is and would not go */
export async function undoFilter(options: Omit<OnceOptions, 'backend'>): Promise<void> {
  await new FilterDriver({ ...options, backend: 'auto' }).clear();
}
