/** BIRD 2's BFD. Its timers stand in its configuration, which it reads again at run time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kill, launch } from '../../../../bench/daemons/processes.js';
import type { Daemons } from '../../../../bench/daemons/programs.js';
import { eventually } from '../../../support/eventually.js';
import { askBird } from '../peers/bird-terminal.js';
import type { BfdDaemon, BfdSetup, DaemonTimers } from './bfd-daemon.js';

function configuration(setup: BfdSetup, { intervalMs, multiplier }: DaemonTimers): string {
  const { address, peer, interfaceName, multihop } = setup;
  const timers = `interval ${intervalMs} ms; idle tx interval 1 s; multiplier ${multiplier};`;
  const where = multihop ? `local ${address} multihop on` : `dev "${interfaceName}" local ${address}`;
  return `router id 192.0.2.2;
protocol device {}
protocol bfd fabric {
  interface "*" { ${timers} };
  multihop { ${timers} };
  neighbor ${peer} ${where};
}
`;
}

export function bird2Bfd(daemons: Daemons): BfdDaemon {
  return {
    name: 'bird2',
    saysAdminDown: false,
    start: async setup => {
      const file = join(setup.directory, 'bird.conf');
      const socket = join(setup.directory, 'bird.ctl');
      const write = (timers: DaemonTimers) => writeFileSync(file, configuration(setup, timers));
      write({ intervalMs: 300, multiplier: 3 });
      const child = launch(setup, daemons.launch('bird2', 'bird', ['-f', '-c', file, '-s', socket]), 'quiet');
      await eventually(() => askBird(socket, 'show status').then(Boolean, () => false));
      // "10.0.0.1  eth0  Up  12:00:00.000  0.300  0.900"
      const cells = async () => {
        const answer = await askBird(socket, 'show bfd sessions');
        const line = answer.split('\n').find(line => line.startsWith(`${setup.peer} `));
        return line?.split(/\s+/) ?? [];
      };
      return {
        up: async () => (await cells())[2] === 'Up',
        intervalMs: async () => Number((await cells())[4]) * 1000,
        remoteMultiplier: async () => {
          const [, , , , interval, timeout] = await cells();
          return Math.round(Number(timeout) / Number(interval));
        },
        change: async timers => {
          write(timers);
          await askBird(socket, 'configure');
        },
        adminDown: async () => {
          throw new Error('BIRD 2 does not say AdminDown');
        },
        kill: () => kill(child, 'SIGKILL'),
      };
    },
  };
}
