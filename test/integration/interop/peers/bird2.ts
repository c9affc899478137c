/** BIRD 2 as a peer. What it originates stands in its configuration, which it reads again at run time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, kill, launch } from '../../../../bench/daemons/processes.js';
import type { Daemons } from '../../../../bench/daemons/programs.js';
import { type Family, familyOf } from '../../../../bgp/family.js';
import { eventually } from '../../../support/eventually.js';
import { askBird } from './bird-terminal.js';
import type { Extension, HeldAttributes, HeldRoute, InteropPeer, PeerSetup } from './interop-peer.js';

const PROTOCOL = 'margay';

function configuration(setup: PeerSetup, originates: Iterable<string>): string {
  const { address, asn, port, speaker, clients = [], extensions = [], families = ['ipv4-unicast'] } = setup;
  const has = (extension: Extension, line: string) => (extensions.includes(extension) ? line : '');
  const reflected = clients.length > 0 ? ' || source = RTS_BGP' : '';
  const channel = (family: Family) =>
    families.includes(family)
      ? `${family === 'ipv4-unicast' ? 'ipv4' : 'ipv6'} { ${has('add-path', 'add paths on;')} ${family === 'ipv4-unicast' ? has('extended-next-hop', 'extended next hop on;') : ''} import all; export where source = RTS_STATIC${reflected}; };`
      : '';
  return `router id ${setup.routerId ?? address};
protocol device {}
protocol direct { ipv4; ipv6; }
${setup.kernelRoutes ? 'protocol kernel { graceful restart on; ipv4 { export where source = RTS_BGP; }; }' : ''}
protocol static originated { ipv4; ${routesOf(setup, originates, 'ipv4-unicast')} }
protocol static originated6 { ipv6; ${routesOf(setup, originates, 'ipv6-unicast')} }
template bgp peers {
  local ${address} port ${port} as ${asn};
  strict bind on;
  ${setup.password === undefined ? '' : `password "${setup.password}";`}
  ${setup.ttlSecurity ? 'direct; ttl security on;' : ''}
  passive ${setup.dials ? 'off' : 'on'};
  hold time ${setup.holdTimeSeconds};
  connect delay time 1; connect retry time 1; error wait time 1,4;
  graceful restart ${{ off: 'off', helper: 'aware', on: 'on' }[setup.gracefulRestart]};
  ${setup.restartTimeSeconds === undefined ? '' : `graceful restart time ${setup.restartTimeSeconds};`}
  ${setup.longLivedSeconds === undefined ? '' : `long lived graceful restart on; long lived stale time ${setup.longLivedSeconds};`}
  ${clients.length > 0 ? 'rr client;' : ''}
  ${(setup.ownWords ?? []).join('\n  ')}
  ${has('extended-messages', 'enable extended messages on;')}
  ${channel('ipv4-unicast')}
  ${channel('ipv6-unicast')}
}
protocol bgp ${PROTOCOL} from peers { neighbor ${speaker.address} port ${port} as ${speaker.asn}; }
${clients
  .filter(client => client !== speaker.address)
  .map((client, i) => `protocol bgp client${i} from peers { neighbor ${client} port ${port} as ${asn}; }`)
  .join('\n')}
`;
}

function routesOf({ communities }: PeerSetup, originates: Iterable<string>, family: Family): string {
  const list = (text: string) => `(${text.split(':').join(', ')})`;
  const marked =
    communities === undefined
      ? ' blackhole;'
      : ` blackhole { bgp_community.add(${list(communities.standard)}); bgp_large_community.add(${list(communities.large)}); };`;
  return [...originates]
    .filter(prefix => familyOf(prefix) === family)
    .map(prefix => `route ${prefix}${marked}`)
    .join(' ');
}

export function bird2(daemons: Daemons): InteropPeer {
  return {
    name: 'bird2',
    needsHoldTime: undefined,
    showsLinkLocals: true,
    tellsStale: false,
    pauseMs: 10,
    forwardsAfterReset: true,
    weighsSecondConnection: true,
    start: async (setup, beginning) => {
      const file = join(setup.directory, 'bird.conf');
      const socket = join(setup.directory, 'bird.ctl');
      const originates = new Set(setup.originates);
      let { password } = setup;
      const write = () => writeFileSync(file, configuration({ ...setup, password }, originates));
      const reconfigure = async () => {
        write();
        await askBird(socket, 'configure');
      };
      write();
      const flags = ['-f', '-c', file, '-s', socket, ...(beginning === 'after-crash' ? ['-R'] : [])];
      const child = launch(setup, daemons.launch('bird2', 'bird', flags), 'quiet');
      await eventually(() => askBird(socket, 'show status').then(Boolean, () => false));
      return {
        holdTimeSeconds: async () => {
          const answer = await askBird(socket, `show protocols all ${PROTOCOL}`);
          if (!/BGP state: +Established/.test(answer)) return undefined;
          return Number(/Hold timer: +[\d.]+\/(\d+)/.exec(answer)?.[1]);
        },
        routes: async () => parseRoutes(await askBird(socket, `show route protocol ${PROTOCOL}`)),
        attributes: async prefix =>
          parseAttributes(await askBird(socket, `show route ${prefix} protocol ${PROTOCOL} all`)),
        nextHops: async prefix => {
          const answer = await askBird(socket, `show route ${prefix} all where source = RTS_BGP`);
          return [...answer.matchAll(/BGP\.next_hop: *(\S+)/g)].map(([, nextHop]) => nextHop!);
        },
        bothNextHops: async prefix => {
          const answer = await askBird(socket, `show route ${prefix} protocol ${PROTOCOL} all`);
          return /BGP\.next_hop: *(.*)/.exec(answer)?.[1]?.trim().split(' ') ?? [];
        },
        announce: async prefix => {
          originates.add(prefix);
          await reconfigure();
        },
        withdraw: async prefix => {
          originates.delete(prefix);
          await reconfigure();
        },
        setPassword: async changed => {
          password = changed;
          await reconfigure();
        },
        shutDown: async message => {
          await askBird(socket, `disable ${PROTOCOL} "${message}"`);
        },
        shownMessage: () => askBird(socket, `show protocols all ${PROTOCOL}`),
        stop: () => end(child),
        kill: () => kill(child, 'SIGKILL'),
      };
    },
  };
}

/** A route begins with its prefix at the line's start. */
function parseRoutes(answer: string): ReadonlyMap<string, HeldRoute> {
  return new Map(
    [...answer.matchAll(/^([\da-f][\da-f.:]+\/\d+)/gm)].map(([, prefix]) => [prefix!, { stale: false }]),
  );
}

function parseAttributes(answer: string): HeldAttributes | undefined {
  const attribute = (name: string) => new RegExp(`BGP\\.${name}: *(.*)`).exec(answer)?.[1]?.trim() ?? '';
  if (attribute('next_hop') === '') return undefined;
  return {
    asPath: attribute('as_path'),
    nextHop: attribute('next_hop'),
    originatorId: attribute('originator_id') || undefined,
    clusterList: attribute('cluster_list').split(' ').filter(Boolean),
    communities: [...attribute('community').matchAll(/\((\d+),(\d+)\)/g)].map(([, a, b]) => `${a}:${b}`),
    largeCommunities: [...attribute('large_community').matchAll(/\((\d+), (\d+), (\d+)\)/g)].map(
      ([, a, b, c]) => `${a}:${b}:${c}`,
    ),
  };
}
