/** GoBGP as a peer. It has no originated routes in its configuration: they are added as soon as it answers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { ask, end, kill, launch } from '../../../../bench/daemons/processes.js';
import type { Daemons } from '../../../../bench/daemons/programs.js';
import { familyOf } from '../../../../bgp/family.js';
import { eventually } from '../../../support/eventually.js';
import type { HeldAttributes, InteropPeer, PeerSetup } from './interop-peer.js';

function configuration(setup: PeerSetup): string {
  const { address, asn, port, speaker, holdTimeSeconds, gracefulRestart, clients = [] } = setup;
  const restart = gracefulRestart !== 'off';
  const keepalive = Math.max(1, Math.floor(holdTimeSeconds / 3));
  return `[global.config]
as = ${asn}
router-id = "${setup.routerId ?? address}"
port = ${port}
local-address-list = ["${address}"]
${[speaker, ...clients.filter(client => client !== speaker.address).map(client => ({ address: client, asn }))].map(neighbor).join('')}`;
  function neighbor(peer: PeerSetup['speaker']): string {
    const password = setup.password === undefined ? '' : `, auth-password = "${setup.password}"`;
    return `[[neighbors]]
config = { neighbor-address = "${peer.address}", peer-as = ${peer.asn}${password} }
${clients.length > 0 ? `route-reflector.config = { route-reflector-client = true, route-reflector-cluster-id = "${address}" }` : ''}
${setup.ttlSecurity ? 'ttl-security.config = { enabled = true, ttl-min = 255 }' : ''}
transport.config = { local-address = "${address}", remote-port = ${port}, passive-mode = ${!setup.dials} }
timers.config = { connect-retry = 1, hold-time = ${holdTimeSeconds}, keepalive-interval = ${keepalive}, idle-hold-time-after-reset = 1 }
graceful-restart.config = { enabled = ${restart}, restart-time = ${setup.restartTimeSeconds ?? 60}, helper-only = ${gracefulRestart === 'helper'}, notification-enabled = ${restart}, long-lived-enabled = ${setup.longLivedSeconds !== undefined} }
${(setup.families ?? ['ipv4-unicast']).map(family).join('')}`;
  }
  function family(name: string): string {
    return `[[neighbors.afi-safis]]
config = { afi-safi-name = "${name}" }
${setup.extensions?.includes('add-path') ? 'add-paths.config = { receive = true, send-max = 8 }' : ''}
mp-graceful-restart.config = { enabled = ${restart} }
${setup.longLivedSeconds === undefined ? '' : `long-lived-graceful-restart.config = { enabled = true, restart-time = ${setup.longLivedSeconds} }`}
`;
  }
}

export function gobgp(daemons: Daemons): InteropPeer {
  return {
    name: 'gobgp',
    needsHoldTime: 'gobgpd bounds each write by the hold time, so with 0 its first message ends the session',
    showsLinkLocals: false,
    tellsStale: true,
    pauseMs: 50,
    forwardsAfterReset: false,
    weighsSecondConnection: false,
    start: async (setup, beginning) => {
      const file = join(setup.directory, 'gobgp.toml');
      const configure = (password: string | undefined) =>
        writeFileSync(file, configuration({ ...setup, password }));
      configure(setup.password);
      const flags = [
        '-f',
        file,
        '--api-hosts',
        '127.0.0.1:50051',
        ...(beginning === 'after-crash' ? ['-r'] : []),
      ];
      const { command, args, env } = daemons.launch('gobgpd', 'gobgpd', flags);
      const log = join(setup.directory, 'gobgpd.log');
      const logged = ['-c', `exec "$@" >>${log} 2>&1`, 'sh', command, ...args];
      const child = launch(setup, { command: 'sh', args: logged, env }, 'quiet');
      const client = (...words: readonly string[]) => ask(setup, daemons.launch('gobgpd', 'gobgp', words));
      const show = async <T>(...words: readonly string[]) => JSON.parse(await client(...words, '-j')) as T;
      const learnt = async (): Promise<ReadonlyMap<string, Path>> => {
        const tables = (setup.families ?? ['ipv4-unicast']).map(name => name.split('-')[0]!);
        const all = await Promise.all(
          tables.map(name => show<Readonly<Record<string, readonly Path[]>>>('global', 'rib', '-a', name)),
        );
        const paths = all
          .flatMap(table => Object.entries(table))
          .map(
            ([prefix, all]) =>
              [prefix, all.find(path => path['neighbor-ip'] === setup.speaker.address)] as const,
          );
        return new Map(paths.filter((entry): entry is [string, Path] => entry[1] !== undefined));
      };
      const change = async (what: 'add' | 'del', prefixes: readonly string[]) => {
        for (const prefix of prefixes) {
          const family = familyOf(prefix).split('-')[0]!;
          const { standard, large } = setup.communities ?? {};
          const marks = standard === undefined ? [] : ['community', standard, 'large-community', large!];
          await client('global', 'rib', what, '-a', family, prefix, ...marks);
        }
      };
      // Whoever comes before its routes are there would be told an End-of-RIB that is none.
      const silence = (how: 'add' | 'delete') => {
        const family = isIP(setup.speaker.address) === 6 ? '-6' : '-4';
        const rule = ['pref', '2', 'to', setup.speaker.address, 'blackhole'];
        return ask(setup, { command: 'ip', args: [family, 'rule', how, ...rule], env: {} });
      };
      await silence('add');
      await eventually(() => client('global').then(Boolean, () => false));
      await change('add', setup.originates);
      await silence('delete');
      return {
        holdTimeSeconds: async () => {
          const { state, timers } = await show<Neighbor>('neighbor', setup.speaker.address);
          return state.session_state === ESTABLISHED ? (timers.state.negotiated_hold_time ?? 0) : undefined;
        },
        routes: learnt,
        attributes: async prefix => {
          const path = (await learnt()).get(prefix);
          return path === undefined ? undefined : attributesOf(path);
        },
        nextHops: async prefix => {
          const paths = (await show<Record<string, readonly Path[]>>('global', 'rib'))[prefix] ?? [];
          return paths.filter(path => path['neighbor-ip']).map(path => attributesOf(path).nextHop);
        },
        bothNextHops: async prefix => {
          const path = (await learnt()).get(prefix);
          return path === undefined ? [] : [attributesOf(path).nextHop];
        },
        announce: prefix => change('add', [prefix]),
        withdraw: prefix => change('del', [prefix]),
        setPassword: async password => {
          configure(password);
          child.kill('SIGHUP');
        },
        shutDown: async message => {
          await client('neighbor', setup.speaker.address, 'shutdown', '--reason', message);
        },
        shownMessage: async () => readFileSync(log, 'utf8'),
        stop: () => end(child),
        kill: () => kill(child, 'SIGKILL'),
      };
    },
  };
}

/** SESSION_STATE of its API. */
const ESTABLISHED = 6;

interface Neighbor {
  readonly state: { readonly session_state: number };
  readonly timers: { readonly state: { readonly negotiated_hold_time?: number } };
}

interface Path {
  readonly 'neighbor-ip'?: string;
  readonly stale: boolean;
  readonly attrs: readonly {
    readonly type: number;
    readonly nexthop?: string;
    readonly as_paths?: readonly { readonly asns: readonly number[] }[];
    readonly communities?: readonly number[];
    /** Of ORIGINATOR_ID and CLUSTER_LIST. */
    readonly value?: unknown;
  }[];
}

const ORIGINATOR_ID = 9;
const CLUSTER_LIST = 10;
const LARGE_COMMUNITIES = 32;

interface LargeCommunity {
  readonly ASN: number;
  readonly LocalData1: number;
  readonly LocalData2: number;
}

function attributesOf(path: Path): HeldAttributes {
  const value = (type: number) => path.attrs.find(attribute => attribute.type === type)?.value;
  const all = Object.assign({}, ...path.attrs) as Path['attrs'][number];
  return {
    asPath: (all.as_paths ?? []).flatMap(({ asns }) => asns).join(' '),
    nextHop: all.nexthop ?? '',
    originatorId: value(ORIGINATOR_ID) as string | undefined,
    clusterList: (value(CLUSTER_LIST) as readonly string[] | undefined) ?? [],
    largeCommunities: ((value(LARGE_COMMUNITIES) as readonly LargeCommunity[] | undefined) ?? []).map(
      ({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`,
    ),
    communities: (all.communities ?? []).map(value => `${value >>> 16}:${value & 0xffff}`),
  };
}
