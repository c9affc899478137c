/** What must hold for tunnels of every kind, for the suites on this machine's kernel and in the lab's. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { logTail, within } from '../../demo/host-lab.js';
import type { Host, Lab } from '../../demo/lab.js';
import type { Mode } from '../../demo/mode.js';
import { setModeStaggered, setReversePathFilter, takes, watchKernel } from './tunnel-lab.js';

/** One mode after the other, with hosts that learn of it seconds apart, under pings every 10 ms: at most two are lost per change. */
export async function changeModes(
  t: ExecutionContext,
  lab: Lab,
  modes: readonly Mode[],
  filters: readonly (0 | 1 | 2)[],
): Promise<void> {
  for (const filter of filters) {
    setReversePathFilter(lab, filter);
    for (const mode of modes) {
      const pings = lab.pingAll(0.01);
      await sleep(300);
      await setModeStaggered(lab, mode);
      t.true(await takes(lab, mode), logTail(lab.hosts[0]!));
      await sleep(500);
      const { sent, received } = await pings.stop();
      t.log(`rp_filter ${filter}, to ${mode}: ${received} of ${sent}`);
      t.true(sent > 500);
      t.true(sent - received <= 2, `${sent - received} lost`);
    }
  }
}

/** A host's agent is killed and started again under pings every 10 ms: none is lost, and no host's kernel is written to. */
export async function surviveKill(t: ExecutionContext, lab: Lab, victim: Host): Promise<void> {
  const watches = lab.hosts.map(host => watchKernel(t, host));
  await sleep(300);
  const pings = lab.pingAll(0.01);
  await sleep(300);
  await lab.endAgent(victim, 'SIGKILL');
  await sleep(1000);
  lab.startAgent(victim);
  t.true(await within(30_000, () => lab.converged()), logTail(victim));
  // What an earlier process has left may go ten seconds after all is in sync.
  await sleep(11_000);
  const { sent, received } = await pings.stop();
  t.log(`${received} of ${sent} pings`);
  t.true(sent > 500);
  t.is(received, sent);
  t.deepEqual(
    watches.flatMap(({ lines }) => lines),
    [],
  );
}
