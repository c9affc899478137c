/**
 * BIRD 2 as a contender: no kernel protocol, next hops resolved through the connected subnet, policies that accept all.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, type Contender, capturedNumber, end, launch, type Setup } from './contender.js';
import type { Daemons } from './daemons.js';

function configuration(setup: Setup): string {
  const peers = setup.peers.map(
    ({ address, asn }, index) => `protocol bgp p${index} from T { neighbor ${address} as ${asn}; }`,
  );
  return `router id ${setup.address};
protocol device {}
protocol direct { ipv4; }
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
    start: async setup => {
      const file = join(setup.directory, 'bird.conf');
      const socket = join(setup.directory, 'bird.ctl');
      writeFileSync(file, configuration(setup));
      const child = launch(setup, daemons.launch('bird', ['-f', '-c', file, '-s', socket]), 'quiet');
      return {
        pid: child.pid!,
        countRoutes: async () => {
          const answer = await ask(
            setup,
            daemons.launch('birdc', ['-s', socket, 'show', 'route', 'where', 'source = RTS_BGP', 'count']),
          );
          return capturedNumber(answer, /(\d+) of \d+ routes/);
        },
        profiler: undefined,
        stop: () => end(child),
      };
    },
  };
}
