/**
 * A host, a neighbour that its tunnel guard is to know and one that it is not, in network namespaces: for tests of the guard with the real
 * kernel.
 */
import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../bgp/speaker/system-clock.js';
import type { Ipv4Address } from '../../core/ip-address.js';
import { guardFirewall } from '../../ipip/guard-firewall.js';
import type { GuardedEncapsulation } from '../../ipip/input-chain.js';
import type { Variant } from '../../ipip/packet-filter.js';
import { type GuardIntent, TunnelGuard } from '../../ipip/tunnel-guard.js';
import { join, makeNamespace, type NetworkNamespace } from './network-namespace.js';
import { skip } from './skip.js';

export const ownAddress = '10.0.0.1' as Ipv4Address;
export const knownAddress = '10.0.0.2' as Ipv4Address;
const unknownAddress = '10.0.0.3' as Ipv4Address;
const VXLAN_PORT = 4789;

export function guardIntent(
  knownHosts: readonly Ipv4Address[],
  ...receives: readonly GuardedEncapsulation[]
): GuardIntent {
  return { knownHosts, externalNodes: [], receives, workloadInterfacePrefixes: ['cali'] };
}

export interface GuardedHosts {
  readonly host: NetworkNamespace;
  readonly friend: NetworkNamespace;
  readonly stranger: NetworkNamespace;
  /** What this machine lacks: the variant, or sets. */
  readonly lacking: string | undefined;
}

/** All three on one Ethernet. @param variant what the host filters by already, with sets of its own; undefined: nothing */
export function guardedHosts(t: ExecutionContext, variant?: Variant): GuardedHosts {
  const [host, friend, stranger] = [makeNamespace(t), makeNamespace(t), makeNamespace(t)];
  host.ipBatch(['link add br0 type bridge', 'link set br0 up', `address add ${ownAddress}/24 dev br0`]);
  for (const [other, address, port] of [
    [friend, knownAddress, 'p1'],
    [stranger, unknownAddress, 'p2'],
  ] as const) {
    join(host, port, other, 'eth0');
    host.ip(`link set ${port} master br0`);
    other.ip(`address add ${address}/24 dev eth0`);
  }
  const rule = [variant ?? '', '-A', 'INPUT', '-p', 'tcp', '--dport', '9', '-j', 'REJECT'];
  const commands = [
    ['ipset', 'create', 'foreign', 'hash:ip'],
    ['ipset', 'add', 'foreign', '198.51.100.1'],
    ['ipset', 'create', 'foreign-nets', 'hash:net'],
    ...(variant === undefined ? [] : [rule]),
  ];
  const failed = commands.flatMap(command => {
    const words = ['netns', 'exec', host.name, ...command];
    const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
    return status === 0 ? [] : [`${command.join(' ')}: ${stderr.trim()}`];
  });
  return { host, friend, stranger, lacking: failed[0] };
}

export function startGuard(t: ExecutionContext, host: NetworkNamespace) {
  const logged: string[] = [];
  const guard = new TunnelGuard({
    clock: systemClock,
    firewall: guardFirewall(['ip', 'netns', 'exec', host.name]),
    family: 'ipv4',
    log: (level, message, detail) => logged.push(`${level} ${message}: ${detail}`),
    changed: () => {},
  });
  t.teardown(() => guard.close());
  return { guard, logged };
}

/** A tunnel device with the inner address 10.9.0.LAST, to each of the other hosts by their last octets. */
const makeDevice = {
  vxlan(on: NetworkNamespace, last: number, remotes: readonly number[]) {
    on.ip(`link add vx0 type vxlan id 42 dstport ${VXLAN_PORT} local 10.0.0.${last} nolearning`);
    on.ipBatch([`address add 10.9.0.${last}/24 dev vx0`, 'link set vx0 up']);
    for (const remote of remotes)
      on.run('bridge', ...`fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.${remote}`.split(' '));
  },
  ipip(on: NetworkNamespace, last: number, remotes: readonly number[]) {
    for (const remote of remotes) {
      on.ip(`link add t${remote} type ipip local 10.0.0.${last} remote 10.0.0.${remote}`);
      on.ip(`address add 10.9.0.${last} peer 10.9.0.${remote} dev t${remote}`);
      on.ip(`link set t${remote} up`);
    }
  },
} as const;

/** A known host's overlay gets an answer, an unknown one's does not, on a host that has filtered nothing before. */
export async function guardsDevice(t: ExecutionContext, kind: 'vxlan' | 'ipip'): Promise<void> {
  const { host, friend, stranger, lacking } = guardedHosts(t);
  if (lacking !== undefined) return skip(t, lacking);
  try {
    makeDevice[kind](host, 1, [2, 3]);
  } catch (error) {
    return skip(t, (error as Error).message);
  }
  makeDevice[kind](friend, 2, [1]);
  makeDevice[kind](stranger, 3, [1]);
  t.true(pings(friend));
  t.true(pings(stranger), 'nothing is guarded yet');
  const { guard, logged } = startGuard(t, host);
  const encapsulation: GuardedEncapsulation = kind === 'ipip' ? { kind } : { kind, port: VXLAN_PORT };
  guard.setIntent(guardIntent([ownAddress, knownAddress], encapsulation));
  t.true(await guard.programmed());
  t.log(...logged);
  t.true(pings(friend));
  t.false(pings(stranger));
  guard.setIntent(guardIntent([ownAddress, knownAddress, unknownAddress], encapsulation));
  t.true(await guard.programmed());
  t.true(pings(stranger), 'it is known now');
}

function pings(from: NetworkNamespace): boolean {
  const words = ['netns', 'exec', from.name, 'ping', '-c1', '-W0.3', '-q', '10.9.0.1'];
  return spawnSync('ip', words).status === 0;
}
