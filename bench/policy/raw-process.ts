/** What raw commands cost with the same text, in a network namespace of their own, started from a process that does nothing else. */

import { runCommand } from '../../linux/command.js';
import type { Implementation } from '../../linux/iptables-choice.js';
import type { Write } from './applier-process.js';
import { serve } from './remote.js';

export interface RawCommand {
  readonly backend: Implementation;
  readonly writes: readonly Write[];
}

const TIMEOUT_MS = 120_000;

/** Milliseconds for all of them, one after the other. */
async function execute({ backend, writes }: RawCommand): Promise<number> {
  let ms = 0;
  for (const { what, input } of writes) {
    const command =
      what === 'sets' ? ['ipset', '-exist', 'restore'] : [`iptables-${backend}-restore`, '--noflush'];
    const before = performance.now();
    const { status, stderr } = await runCommand(command, input, { timeoutMs: TIMEOUT_MS });
    ms += performance.now() - before;
    if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  }
  return ms;
}

serve(execute);
