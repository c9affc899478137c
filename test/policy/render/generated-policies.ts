/** Hosts with policies, and packets on their way through them, by a seed. Few addresses and ports, so that rules meet packets. */
import type { IpAddress } from '../../../core/ip-address.js';
import { hostPrefix, type Prefix, prefixOf } from '../../../core/prefix.js';
import type { ConnectionState, End, Situation } from '../../../policy/evaluate/situation.js';
import type {
  AddressSet,
  EndpointTier,
  HostEndpoint,
  HostPolicy,
  Packet,
  Policy,
  Profile,
  Rule,
  RuleSide,
  SetId,
  WorkloadEndpoint,
} from '../../../policy/model.js';
import { memberOf } from '../../../policy/model.js';
import type { FilterSettings } from '../../../policy/settings.js';
import type { Random } from '../../support/random.js';
import { makeHost, makeHostPolicy, makeRule, makeWorkload, net, settings } from '../host-policies.js';

/** Addresses of both families, at the same places. */
const addresses = {
  ipv4: ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.1.1', '10.2.0.1', '192.168.0.1', '192.168.0.2'],
  ipv6: ['fd00:1::1', 'fd00:1::2', 'fd00:1::3', 'fd00:1:0:1::1', 'fd00:2::1', 'fe80::1', 'fd00:9::2'],
} as const;
const PORTS = [22, 53, 80, 443, 4789, 8080, 9000];
const WORKLOADS = [
  'cali1',
  'cali12',
  'cali2',
  'caliab',
  'caliac',
  'calib',
  'tap0',
  'tap1',
  'cali3',
  'cali4',
  'cali5',
];

export interface GeneratedHost {
  readonly policy: HostPolicy;
  readonly settings: FilterSettings;
}

export class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  host(): GeneratedHost {
    const chance = (percent: number) => this.#chance(percent);
    const sets = this.#sets();
    const policies = Array.from({ length: 8 }, (_, i) => this.#policy(i, sets));
    const profiles = ['one', 'two'].map(name => this.#profile(name, sets));
    const workloads = WORKLOADS.slice(0, chance(30) ? 11 : 4).map((name, i) =>
      this.#workload(name, i, policies),
    );
    const hosts = ['eth0', '*'].filter(() => chance(75)).map(name => this.#host(name, policies));
    return {
      policy: makeHostPolicy({ workloads, hosts, policies, profiles, sets }),
      settings: this.#settings(),
    };
  }

  situation({ policy }: GeneratedHost): Situation {
    const family = this.#chance(60) ? 'ipv4' : 'ipv6';
    const process: End = { kind: 'process' };
    const network: End = { kind: 'interface', name: this.#random.pick(['eth0', 'eth1']) };
    const names = [...policy.workloads.values()].map(({ interfaceName }) => interfaceName);
    const somebody = (): End => ({
      kind: 'interface',
      name: this.#random.pick(this.#chance(4) ? ['calix', 'cali'] : names),
    });
    const [workload, other] = [somebody(), somebody()];
    const [from, to] = this.#random.pick([
      [network, process],
      [network, workload],
      [workload, other],
      [workload, network],
      [process, network],
      [network, { kind: 'interface', name: 'eth2' } as const],
      [workload, network],
      [workload, other],
      [network, workload],
      [workload, process],
      [process, workload],
    ] as const);
    const own = (end: End) => {
      const endpoint =
        end.kind === 'interface' &&
        [...policy.workloads.values()].find(({ interfaceName }) => interfaceName === end.name);
      const prefix = endpoint
        ? endpoint.addresses.find(one => one.includes(':') === (family === 'ipv6'))
        : undefined;
      return prefix?.slice(0, prefix.indexOf('/')) as IpAddress | undefined;
    };
    const anybody = () => this.#random.pick(addresses[family]) as IpAddress;
    const source = (this.#chance(95) ? own(from) : undefined) ?? anybody();
    const packet = this.#packet(source, own(to) ?? anybody());
    const connection = this.#random.pick<ConnectionState>([
      ...Array<ConnectionState>(12).fill('new'),
      'established',
      'related',
      'invalid',
      // No other is ever marked.
      ...((own(from) ?? own(to)) ? Array<ConnectionState>(2).fill('cut') : []),
    ]);
    return { packet, from, to, connection };
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  /** Each with the probability. */
  #some<T>(percent: number, from: readonly T[]): T[] {
    return from.filter(() => this.#chance(percent));
  }

  // -------------------------------------------------------------- packets

  #packet(source: IpAddress, destination: IpAddress): Packet {
    const icmpOf = source.includes(':') ? 58 : 1;
    const protocol = this.#random.pick([6, 6, 6, 6, 17, 17, 17, icmpOf, icmpOf, 132, 136, 4, 47]);
    if (protocol === icmpOf) {
      const type = this.#random.pick([8, 3, 128, 135]);
      return { source, destination, protocol, icmp: { type, code: this.#random.below(2) } };
    }
    if (![6, 17, 132, 136].includes(protocol)) return { source, destination, protocol };
    const [sourcePort, destinationPort] = [this.#random.pick(PORTS), this.#random.pick(PORTS)];
    return { source, destination, protocol, sourcePort, destinationPort };
  }

  // -------------------------------------------------------------- rules

  #sets(): AddressSet[] {
    const nets = Array.from({ length: 4 }, (_, i) => ({
      id: `nets ${i}`,
      kind: 'nets' as const,
      what: `nets ${i}`,
      members: new Set(i === 3 ? this.#some(50, [net('0.0.0.0/0'), net('::/0')]) : this.#nets(5)),
    }));
    const ports = Array.from({ length: 3 }, (_, i) => ({
      id: `ports ${i}`,
      kind: 'ports' as const,
      what: `ports ${i}`,
      members: new Set(
        [...addresses.ipv4, ...addresses.ipv6].flatMap(address =>
          [6, 17, 132, 136].flatMap(protocol =>
            this.#some(40, PORTS).map(port => memberOf(address as IpAddress, protocol, port)),
          ),
        ),
      ),
    }));
    return [...nets, ...ports];
  }

  #nets(most: number): Prefix[] {
    return Array.from({ length: this.#random.below(most + 1) }, () => {
      const ipv4 = this.#chance(60);
      const address = this.#random.pick(ipv4 ? addresses.ipv4 : addresses.ipv6) as IpAddress;
      const length = this.#random.pick(ipv4 ? [32, 24, 16, 8] : [128, 64, 48, 16]);
      return this.#chance(4) ? net(ipv4 ? '0.0.0.0/0' : '::/0') : prefixOf(address, length);
    });
  }

  #ports(most: number): RuleSide['ports'] {
    return Array.from({ length: this.#random.below(most + 1) }, () => {
      const min = this.#random.pick(PORTS) - this.#random.below(2);
      return { min, max: this.#chance(60) ? min : min + this.#random.below(400) };
    });
  }

  #side(sets: readonly AddressSet[], withPorts: boolean): Partial<RuleSide> {
    const ids = (kind: AddressSet['kind']): SetId[] =>
      sets.filter(set => set.kind === kind).map(({ id }) => id);
    const few = (percent: number, kind: AddressSet['kind']) =>
      this.#chance(percent) ? [this.#random.pick(ids(kind)), ...this.#some(8, ids(kind))] : [];
    const addressed = {
      nets: this.#chance(18) ? this.#nets(this.#chance(50) ? 1 : 4) : [],
      notNets: this.#chance(14) ? this.#nets(this.#chance(50) ? 1 : 2) : [],
      sets: few(14, 'nets'),
      notSets: few(10, 'nets'),
    };
    if (!withPorts) return addressed;
    return {
      ...addressed,
      ports: this.#chance(30) ? this.#ports(this.#chance(70) ? 5 : 20) : [],
      notPorts: this.#chance(25) ? this.#ports(this.#chance(70) ? 1 : 12) : [],
      namedPorts: few(18, 'ports'),
      notNamedPorts: few(18, 'ports'),
    };
  }

  #rule(sets: readonly AddressSet[]): Rule {
    const kind = this.#random.below(10);
    const action = this.#random.pick([
      'allow',
      'allow',
      'allow',
      'allow',
      'deny',
      'deny',
      'pass',
      'log',
    ] as const);
    const icmp = () => ({
      type: this.#random.pick([8, 3, 128, 135]),
      ...(this.#chance(50) ? { code: this.#random.below(2) } : {}),
    });
    const withPorts = kind < 6;
    const protocol = withPorts
      ? this.#random.pick([6, 6, 6, 17, 17, 132, 136])
      : this.#random.pick([1, 58, 47, 6]);
    const fields = {
      ...(this.#chance(10) ? { family: this.#random.pick(['ipv4', 'ipv6'] as const) } : {}),
      ...(withPorts || kind === 6 || kind === 7 ? { protocol } : {}),
      ...(kind === 8 || this.#chance(5) ? { notProtocol: this.#random.pick([6, 17, 1, 58]) } : {}),
      ...(kind === 9 || (kind === 6 && this.#chance(50)) ? { icmp: icmp() } : {}),
      ...(this.#chance(12) || (kind === 9 && this.#chance(30)) ? { notIcmp: icmp() } : {}),
    };
    return makeRule(action, fields, {
      source: this.#side(sets, withPorts && this.#chance(50)),
      destination: this.#side(sets, withPorts),
    });
  }

  #rules(sets: readonly AddressSet[], most: number): Rule[] {
    return Array.from({ length: this.#random.below(most + 1) }, () => this.#rule(sets));
  }

  #policy(number: number, sets: readonly AddressSet[]): Policy {
    return {
      key: `GlobalNetworkPolicy/p${number}`,
      tier: 'default',
      staged: this.#chance(15),
      flushOnDeny: this.#random.pick([undefined, undefined, true, false]),
      ingress: this.#rules(sets, 5),
      egress: this.#rules(sets, 5),
    };
  }

  #profile(name: string, sets: readonly AddressSet[]): Profile {
    const open = [makeRule(this.#chance(80) ? 'allow' : 'pass')];
    return { name, ingress: [...this.#rules(sets, 2), ...open], egress: [...this.#rules(sets, 2), ...open] };
  }

  // -------------------------------------------------------------- endpoints

  #tiers(policies: readonly Policy[], most: number): EndpointTier[] {
    return Array.from({ length: this.#random.below(most + 1) }, (_, i) => ({
      name: `tier ${i}`,
      defaultAction: this.#chance(55) ? ('pass' as const) : ('deny' as const),
      ingress: this.#some(25, policies).map(({ key }) => key),
      egress: this.#some(25, policies).map(({ key }) => key),
    }));
  }

  #profileNames(): string[] {
    return this.#some(70, ['one', 'two', ...this.#some(10, ['missing'])]);
  }

  #workload(name: string, number: number, policies: readonly Policy[]): WorkloadEndpoint {
    const [ipv4, ipv6] = [addresses.ipv4[number % 5]!, addresses.ipv6[number % 5]!];
    const more = this.#some(25, [hostPrefix('10.1.9.9' as IpAddress)]);
    return makeWorkload(name, [`${ipv4}/32`, `${ipv6}/128`, ...more], {
      mayAlsoSendFrom: this.#some(5, [net('192.168.0.0/24'), net('0.0.0.0/0')]),
      disabled: this.#chance(5),
      tiers: this.#tiers(policies, 3),
      profiles: this.#profileNames(),
    });
  }

  #host(name: string, policies: readonly Policy[]): HostEndpoint {
    return makeHost(name, {
      tiers: this.#tiers(policies, 2),
      forward: this.#chance(50) ? this.#tiers(policies, 2) : [],
      untracked: this.#chance(30) ? this.#tiers(policies, 1) : [],
      preDnat: this.#chance(30) ? this.#tiers(policies, 1) : [],
      profiles: this.#profileNames(),
    });
  }

  #settings(): FilterSettings {
    const nodes = [net('192.168.0.2/32'), net('fd00:9::2/128')];
    return {
      ...settings,
      workloadInterfacePrefixes: ['cali', 'tap'],
      markMask: this.#random.pick([0xffff0000, 0x1f, 0x80f00000, 0x7c00]),
      hooks: this.#random.pick(['insert', 'append']),
      endpointToHost: this.#random.pick(['accept', 'return', 'drop']),
      allowed: {
        filter: this.#random.pick(['accept', 'return']),
        mangle: this.#random.pick(['accept', 'return']),
      },
      denied: this.#random.pick(['drop', 'reject']),
      failsafes: this.#chance(80)
        ? settings.failsafes
        : { inbound: [{ protocol: 6, port: 80, net: net('192.168.0.0/24') }], outbound: [] },
      encapsulatedFromWorkloads: { ipip: this.#chance(20), vxlan: this.#chance(20) },
      dropInvalid: this.#chance(80),
      spoofedSources: this.#chance(80),
      failClosedForwarding: this.#chance(50),
      flushOnDeny: this.#chance(20),
      tunnels: this.#some(25, [
        { tunnel: 'ipip', device: 'tunl', from: nodes, mtu: 1480 },
        { tunnel: 'vxlan', device: 'vx4', port: 4789, from: nodes, mtu: 1450 },
        { tunnel: 'vxlan-v6', device: 'vx6', port: 4789, from: nodes, mtu: 1430 },
        { tunnel: 'udp', device: 'udp', port: 8080, from: nodes, mtu: 1400 },
      ]),
    };
  }
}
