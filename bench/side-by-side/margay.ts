/**
 * Margay as a contender: the speaker alone (`bench/speaker-process.ts`, without store or dataplane), or the whole agent where routes go
 * to the kernel.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { end, launch } from '../daemons/processes.js';
import type { SpeakerProcessAnswer, SpeakerProcessCommand, SpeakerProcessSetup } from '../speaker-process.js';
import type { Contender } from './contender.js';
import { startAgent } from './margay-agent.js';

const PROCESS_FILE = fileURLToPath(new URL('../speaker-process.js', import.meta.url));

export function margay(thread: 'main' | 'worker'): Contender {
  return {
    name: 'margay',
    writesKernel: true,
    start: async setup => {
      if (setup.kernelRoutes) return startAgent(setup);
      const forProcess: SpeakerProcessSetup = {
        thread,
        address: setup.address,
        port: 179,
        asn: setup.asn,
        holdTimeSeconds: 90,
        peers: setup.peers.map(({ address, asn, client }) => ({ address, asn, exports: true, client })),
      };
      const args = [PROCESS_FILE, JSON.stringify(forProcess)];
      const child = launch(setup, { command: process.execPath, args, env: {} }, 'ipc');
      const ask = async (command: SpeakerProcessCommand): Promise<SpeakerProcessAnswer> => {
        const answer = once(child, 'message');
        child.send(command);
        return ((await answer) as [SpeakerProcessAnswer])[0];
      };
      return {
        pid: child.pid!,
        countRoutes: async () => (await ask({ kind: 'count-routes' })).routes ?? Number.NaN,
        profiler:
          thread === 'worker'
            ? undefined
            : {
                start: async () => void (await ask({ kind: 'start-profile' })),
                stop: async file => void (await ask({ kind: 'stop-profile', file })),
              },
        stop: () => end(child),
      };
    },
  };
}
