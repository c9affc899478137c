/**
 * BIRD 2 as a contender: the kernel protocol only where kernel routes are measured, next hops resolved through the connected subnet, policies that accept all.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, capturedNumber, end, launch } from '../daemons/processes.js';
import type { Daemons } from '../daemons/programs.js';
import type { Contender, Setup } from './contender.js';

function configuration(setup: Setup): string {
  const peers = setup.peers.map(
    ({ address, asn, client }, index) =>
      `protocol bgp p${index} from T { neighbor ${address} as ${asn};${client ? ' rr client;' : ''} }`,
  );
  return `router id ${setup.address};
protocol device {}
protocol direct { ipv4; }
${setup.kernelRoutes ? 'protocol kernel { ipv4 { export where source = RTS_BGP; }; }' : ''}
template bgp T {
  local ${setup.address} as ${setup.asn};
  passive on;
  ipv4 { import all; export where source = RTS_BGP; };
}
${peers.join('\n')}
`;
}

export function bird2(daemons: Daemons): Contender {
  return {
    name: 'bird2',
    writesKernel: true,
    start: async setup => {
      const file = join(setup.directory, 'bird.conf');
      const socket = join(setup.directory, 'bird.ctl');
      writeFileSync(file, configuration(setup));
      const child = launch(setup, daemons.launch('bird2', 'bird', ['-f', '-c', file, '-s', socket]), 'quiet');
      return {
        pid: child.pid!,
        countRoutes: async () => {
          const answer = await ask(
            setup,
            daemons.launch('bird2', 'birdc', [
              '-s',
              socket,
              'show',
              'route',
              'where',
              'source = RTS_BGP',
              'count',
            ]),
          );
          return capturedNumber(answer, /(\d+) of \d+ routes/);
        },
        profiler: undefined,
        stop: () => end(child),
      };
    },
  };
}
