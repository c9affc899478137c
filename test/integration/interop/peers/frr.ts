/** FRR's bgpd as a peer: alone (`-Z -n`), so that it takes every next hop as valid, or with zebra where routes go to the kernel. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askTerminal } from '../../../../bench/daemons/frr-terminal.js';
import { end, kill, launch } from '../../../../bench/daemons/processes.js';
import type { Daemons } from '../../../../bench/daemons/programs.js';
import { type Family, familyOf } from '../../../../bgp/family.js';
import { eventually } from '../../../support/eventually.js';
import type { HeldRoute, InteropPeer, PeerSetup } from './interop-peer.js';
import { startZebra } from './zebra.js';

function configuration(setup: PeerSetup): string {
  const { address, asn, port, speaker, holdTimeSeconds, clients = [] } = setup;
  const several = (setup.extensions ?? []).includes('add-path')
    ? [...new Set([speaker.address, ...(setup.clients ?? [])])]
    : [];
  const families = setup.families ?? ['ipv4-unicast'];
  const marked = setup.communities === undefined ? '' : ' route-map marked';
  const networks = (family: Family) =>
    setup.originates
      .filter(prefix => familyOf(prefix) === family)
      .map(prefix => `  network ${prefix}${marked}\n`)
      .join('');
  const restart = {
    off: ' bgp graceful-restart-disable',
    helper: '',
    on: ' bgp graceful-restart\n bgp graceful-restart preserve-fw-state',
  }[setup.gracefulRestart];
  return `frr defaults datacenter
router bgp ${asn}
 bgp router-id ${setup.routerId ?? address}
 no bgp ebgp-requires-policy
 no bgp network import-check
${restart}
 bgp graceful-restart notification
${setup.restartTimeSeconds === undefined ? '' : ` bgp graceful-restart restart-time ${setup.restartTimeSeconds}\n`}\
${setup.longLivedSeconds === undefined ? '' : ` bgp long-lived-graceful-restart stale-time ${setup.longLivedSeconds}\n`}\
 neighbor ${speaker.address} remote-as ${speaker.asn}
 neighbor ${speaker.address} port ${port}
${setup.password === undefined ? '' : ` neighbor ${speaker.address} password ${setup.password}\n`}\
${setup.ttlSecurity ? ` neighbor ${speaker.address} ttl-security hops 1\n` : ''}\
${setup.dials ? '' : ` neighbor ${speaker.address} passive\n`}\
 neighbor ${speaker.address} timers ${Math.floor(holdTimeSeconds / 3)} ${holdTimeSeconds}
 neighbor ${speaker.address} timers connect 1
${(setup.ownWords ?? []).map(words => ` neighbor ${speaker.address} ${words}\n`).join('')}\
${setup.extensions?.includes('extended-next-hop') ? ` neighbor ${speaker.address} capability extended-nexthop\n` : ''}\
${clients.map(client => ` neighbor ${client} remote-as ${asn}\n neighbor ${client} port ${port}\n neighbor ${client} passive`).join('\n')}
 address-family ipv4 unicast
${several.map(each => `  neighbor ${each} addpath-tx-all-paths\n`).join('')}\
${clients.map(client => `  neighbor ${client} route-reflector-client`).join('\n')}
${networks('ipv4-unicast')}\
${families.includes('ipv4-unicast') ? '' : `  no neighbor ${speaker.address} activate\n`}\
 exit-address-family
 address-family ipv6 unicast
${families.includes('ipv6-unicast') ? `  neighbor ${speaker.address} activate\n` : ''}\
${networks('ipv6-unicast')}\
 exit-address-family
${setup.communities === undefined ? '' : `route-map marked permit 10\n set community ${setup.communities.standard}\n set large-community ${setup.communities.large}\n`}\
`;
}

export function frr(daemons: Daemons): InteropPeer {
  return {
    name: 'frr',
    needsHoldTime: undefined,
    showsLinkLocals: true,
    tellsStale: true,
    pauseMs: 10,
    forwardsAfterReset: true,
    weighsSecondConnection: true,
    start: async setup => {
      const { directory, speaker } = setup;
      const file = join(directory, 'bgpd.conf');
      const terminal = join(directory, 'bgpd.vty');
      writeFileSync(file, configuration(setup));
      const zebra = setup.kernelRoutes ? startZebra(setup, daemons) : undefined;
      if (zebra !== undefined) await eventually(() => existsSync(zebra.socket));
      const files = ['-f', file, '-i', join(directory, 'bgpd.pid'), '--vty_socket', directory];
      const where = ['-P', '0', '-p', `${setup.port}`, '-l', setup.address];
      const kernel = zebra === undefined ? ['-Z', '-n'] : ['-z', zebra.socket];
      const child = launch(
        setup,
        daemons.launch('frr', 'bgpd', ['-S', ...kernel, ...files, ...where]),
        'quiet',
      );
      const show = async <T>(what: string) =>
        JSON.parse(await askTerminal(terminal, `show ${what} json`)) as T;
      const tableOf = (family: Family) => (family === 'ipv4-unicast' ? 'ipv4 unicast' : 'ipv6 unicast');
      const configure = async (line: string, prefix: string) => {
        const family = `address-family ${tableOf(familyOf(prefix))}`;
        await askTerminal(
          terminal,
          'configure terminal',
          `router bgp ${setup.asn}`,
          family,
          `${line} ${prefix}`,
        );
      };
      const detail = (prefix: string) =>
        show<{ paths?: readonly DetailedPath[] }>(`bgp ${tableOf(familyOf(prefix))} ${prefix}`);
      await eventually(() => show('bgp summary').then(Boolean, () => false));
      return {
        holdTimeSeconds: async () => {
          const neighbors = await show<Record<string, Neighbor>>(`bgp neighbors ${speaker.address}`);
          const { bgpState, bgpTimerHoldTimeMsecs } = neighbors[speaker.address]!;
          return bgpState === 'Established' ? bgpTimerHoldTimeMsecs / 1000 : undefined;
        },
        routes: async () => {
          const all = new Map<string, HeldRoute>();
          for (const family of setup.families ?? (['ipv4-unicast'] as const)) {
            const { routes } = await show<{ routes: Record<string, readonly Path[]> }>(
              `bgp ${tableOf(family)}`,
            );
            for (const [prefix, paths] of Object.entries(routes)) {
              const path = paths.find(({ peerId }) => peerId === speaker.address);
              if (path !== undefined) all.set(prefix, { stale: path.stale ?? false });
            }
          }
          return all;
        },
        attributes: async prefix => {
          const { paths } = await detail(prefix);
          const path = paths?.[0];
          if (path === undefined) return undefined;
          return {
            asPath: path.aspath.string === 'Local' ? '' : path.aspath.string,
            nextHop: path.nexthops[0]!.ip,
            communities: (path.community?.list ?? []).map(name => wellKnown[name] ?? name),
            largeCommunities: path.largeCommunity?.list ?? [],
            originatorId: path.originatorId,
            clusterList: path.clusterList?.list ?? [],
          };
        },
        nextHops: async prefix => {
          const { paths = [] } = await detail(prefix);
          return paths.map(({ nexthops }) => nexthops[0]!.ip).filter(nextHop => nextHop !== '0.0.0.0');
        },
        bothNextHops: async prefix => {
          const { paths = [] } = await detail(prefix);
          return paths[0]?.nexthops.map(({ ip }) => ip) ?? [];
        },
        announce: prefix => configure('network', prefix),
        withdraw: prefix => configure('no network', prefix),
        setPassword: async password => {
          const line = `neighbor ${speaker.address} password ${password}`;
          await askTerminal(terminal, 'configure terminal', `router bgp ${setup.asn}`, line);
        },
        shutDown: async message => {
          const line = `neighbor ${speaker.address} shutdown message ${message}`;
          await askTerminal(terminal, 'configure terminal', `router bgp ${setup.asn}`, line);
        },
        shownMessage: async () => {
          const neighbors = await show<Record<string, Neighbor>>(`bgp neighbors ${speaker.address}`);
          return neighbors[speaker.address]!.lastShutdownDescription ?? '';
        },
        stop: async () => {
          await end(child);
          if (zebra !== undefined) await end(zebra.child);
        },
        kill: async () => {
          await kill(child, 'SIGKILL');
          if (zebra !== undefined) await kill(zebra.child, 'SIGKILL');
        },
      };
    },
  };
}

/** What it has names for. */
const wellKnown: Readonly<Record<string, string>> = { gracefulShutdown: '65535:0', llgrStale: '65535:6' };

interface Neighbor {
  readonly bgpState: string;
  readonly bgpTimerHoldTimeMsecs: number;
  readonly lastShutdownDescription?: string;
}

interface Path {
  readonly peerId: string;
  readonly stale?: boolean;
}

interface DetailedPath {
  readonly aspath: { readonly string: string };
  readonly nexthops: readonly { readonly ip: string }[];
  readonly largeCommunity?: { readonly list: readonly string[] };
  readonly community?: { readonly list: readonly string[] };
  readonly originatorId?: string;
  readonly clusterList?: { readonly list: readonly string[] };
}
