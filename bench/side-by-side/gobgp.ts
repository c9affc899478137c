/**
 * GoBGP as a contender: RIB only, default policies (accept), its gRPC on the namespace's own loopback.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, capturedNumber, end, launch } from '../daemons/processes.js';
import type { Daemons } from '../daemons/programs.js';
import type { Contender, Setup } from './contender.js';

function configuration(setup: Setup): string {
  const peers = setup.peers.map(
    ({ address, asn, client }) => `[[neighbors]]
config = { neighbor-address = "${address}", peer-as = ${asn} }
transport.config = { passive-mode = true }
${client ? `route-reflector.config = { route-reflector-client = true, route-reflector-cluster-id = "${setup.address}" }` : ''}
afi-safis = [ { config = { afi-safi-name = "ipv4-unicast" } } ]
`,
  );
  return `[global.config]
as = ${setup.asn}
router-id = "${setup.address}"
port = 179
local-address-list = ["${setup.address}"]
${peers.join('')}`;
}

export function gobgp(daemons: Daemons): Contender {
  return {
    name: 'gobgp',
    writesKernel: false,
    start: async setup => {
      const file = join(setup.directory, 'gobgp.toml');
      writeFileSync(file, configuration(setup));
      const child = launch(
        setup,
        daemons.launch('gobgpd', 'gobgpd', ['-f', file, '--api-hosts', '127.0.0.1:50051']),
        'quiet',
      );
      return {
        pid: child.pid!,
        countRoutes: async () => {
          const answer = await ask(setup, daemons.launch('gobgpd', 'gobgp', ['global', 'rib', 'summary']));
          return capturedNumber(answer, /Destination:\s*(\d+)/);
        },
        profiler: undefined,
        stop: () => end(child),
      };
    },
  };
}
