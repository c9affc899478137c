/** SHELL: the scheduling priority of a thread. */
import { setPriority } from 'node:os';

/** Above everything that has not asked for more (0), below what the kernel itself needs (-20). */
const SPEAKER_NICE = -10;

/**
 * Puts the calling thread before the process's others, V8's compiling and collecting ones among them: on a host with few cores they
 * would otherwise hold up KEEPALIVEs and UPDATEs for a time slice each. Linux knows nice values per thread (setpriority(2), "C
 * library/kernel differences"). Without the right to (root, CAP_SYS_NICE or LimitNICE) everything stays as it is.
 */
export function raiseThreadPriority(): void {
  try {
    setPriority(SPEAKER_NICE);
  } catch {
    // Slower under load, nothing worse.
  }
}
