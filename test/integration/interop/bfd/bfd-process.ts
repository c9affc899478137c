/**
 * A process with BFD in a thread of its own and nothing else: commands of its contract come over Node's IPC channel, reports go there.
 * `busy` lets the main thread compute for so long, with a breath every three seconds; `usage` is answered by the CPU time used so far.
 */
import { BfdThread } from '../../../../agent/bfd-host.js';
import type { BfdCommand } from '../../../../bgp/bfd/contract.js';

export type BfdProcessCommand =
  | BfdCommand
  | { readonly kind: 'busy'; readonly ms: number }
  | { readonly kind: 'usage' };

const commands: BfdCommand[] = [];
const thread = new BfdThread(new URL('../../../../agent/bfd-worker.js', import.meta.url), {
  report: report => process.send?.(report),
  restarted: error => process.send?.({ kind: 'died', error }),
  commands: () => commands.splice(0),
});

process.on('message', (command: BfdProcessCommand) => {
  if (command.kind === 'busy') compute(performance.now() + command.ms);
  else if (command.kind === 'usage') {
    const { user, system } = process.cpuUsage();
    process.send?.({ kind: 'usage', cpuMs: (user + system) / 1000 });
  } else send(command);
});
process.on('disconnect', () => process.exit(0));

/** The first one starts the thread, which then asks for what it must know. */
function send(command: BfdCommand): void {
  if (command.kind === 'close') {
    void thread.close(2000).then(() => process.disconnect());
    return;
  }
  if (command.kind === 'set-session') commands.splice(0, commands.length, command);
  thread.send(command);
}

function compute(until: number): void {
  const breath = Math.min(until, performance.now() + 3000);
  while (performance.now() < breath);
  if (breath < until) setTimeout(compute, 10, until);
}
