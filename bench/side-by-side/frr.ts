/**
 * FRR's bgpd as a contender: alone, without zebra (`-Z -n`), so that it takes every next hop as valid and writes no FIB.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askTerminal } from '../daemons/frr-terminal.js';
import { end, launch } from '../daemons/processes.js';
import type { Daemons } from '../daemons/programs.js';
import type { Contender, Setup } from './contender.js';

function configuration(setup: Setup): string {
  const peers = setup.peers.flatMap(({ address, asn }) => [
    ` neighbor ${address} remote-as ${asn}`,
    ` neighbor ${address} passive`,
    ` neighbor ${address} timers 30 90`,
  ]);
  const clients = setup.peers
    .filter(({ client }) => client)
    .map(({ address }) => `  neighbor ${address} route-reflector-client`);
  return `frr defaults datacenter
router bgp ${setup.asn}
 bgp router-id ${setup.address}
 no bgp ebgp-requires-policy
 no bgp network import-check
${peers.join('\n')}
 address-family ipv4 unicast
${clients.join('\n')}
`;
}

export function frr(daemons: Daemons): Contender {
  return {
    name: 'frr',
    writesKernel: false,
    start: async setup => {
      const { directory } = setup;
      writeFileSync(join(directory, 'bgpd.conf'), configuration(setup));
      const files = ['-f', join(directory, 'bgpd.conf'), '-i', join(directory, 'bgpd.pid')];
      const where = ['--vty_socket', directory, '-P', '0', '-p', '179', '-l', setup.address];
      const child = launch(
        setup,
        daemons.launch('frr', 'bgpd', ['-Z', '-n', '-S', ...files, ...where]),
        'quiet',
      );
      return {
        pid: child.pid!,
        countRoutes: async () => {
          const answer = await askTerminal(join(directory, 'bgpd.vty'), 'show bgp ipv4 unicast summary json');
          const { peers } = JSON.parse(answer) as { peers: Record<string, { pfxRcd: number }> };
          return Object.values(peers).reduce((sum, peer) => sum + peer.pfxRcd, 0);
        },
        profiler: undefined,
        stop: () => end(child),
      };
    },
  };
}
