/** One rule of iptables, read from its text: what it matches, and what it does. It throws where the kernel's tool would refuse. */
import type { AddressFamily } from '../../../core/ip-address.js';
import { type Prefix, prefixContainsAddress } from '../../../core/prefix.js';
import type { Packet } from '../../../policy/model.js';
import type { RenderedSet, TableName } from '../../../policy/rendered.js';

/** A packet under way. */
export interface Moving {
  readonly packet: Packet;
  readonly in: string | undefined;
  readonly out: string | undefined;
  /** Empty before connection tracking. */
  state: '' | 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
  readonly dnat: boolean;
  /** Sent by this host. */
  readonly local: boolean;
  mark: number;
  readonly connectionMark: number;
}

export interface SimulatedRule {
  readonly matches: (moving: Moving) => boolean;
  readonly target: Target;
}

export type Target =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'notrack' | 'nothing' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number };

export interface RuleWorld {
  readonly family: AddressFamily;
  readonly table: TableName;
  readonly sets: ReadonlyMap<string, RenderedSet>;
}

const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  'ipv6-icmp': 58,
  sctp: 132,
  udplite: 136,
};
const protocolNames = Object.fromEntries(Object.entries(protocols).map(([name, number]) => [number, name]));

export function parseRule(text: string, world: RuleWorld): SimulatedRule {
  const words = text.match(/"[^"]*"|\S+/g) ?? [];
  const matches: ((moving: Moving) => boolean)[] = [];
  let target: Target = { kind: 'nothing' };
  let not = false;
  let protocol: string | undefined;
  let module = '';
  for (let i = 0; i < words.length; i++) {
    const option = words[i]!;
    const value = () => words[++i] ?? refuse(text, `${option} without a value`);
    const add = (match: (moving: Moving) => boolean) => {
      const negated = not;
      matches.push(moving => match(moving) !== negated);
      not = false;
    };
    if (option === '!') {
      not = true;
    } else if (option === '-j' || option === '-g') {
      target = parseTarget(words.slice(i), world, text);
      break;
    } else if (option === '-m') {
      module = value();
    } else if (option === '-p') {
      const wanted = value();
      protocol = not ? undefined : wanted;
      add(({ packet }) => packet.protocol === (protocols[wanted] ?? Number(wanted)));
    } else if (option === '--sports' || option === '--dports') {
      add(portMatch(option, value(), protocol, text));
    } else {
      add(parseMatch(option === '--mark' ? `${module} ${option}` : option, value, world, text));
    }
  }
  return { matches: moving => matches.every(match => match(moving)), target };
}

function refuse(text: string, why: string): never {
  throw new Error(`${why}: ${text}`);
}

function parseMatch(option: string, value: () => string, { sets }: RuleWorld, text: string) {
  switch (option) {
    case '-s':
      return within(value(), ({ packet }) => packet.source);
    case '-d':
      return within(value(), ({ packet }) => packet.destination);
    case '-i':
      return onInterface(value(), moving => moving.in);
    case '-o':
      return onInterface(value(), moving => moving.out);
    case 'mark --mark': {
      const [wanted, mask] = numbers(value());
      return ({ mark }: Moving) => (mark & mask!) >>> 0 === wanted;
    }
    case 'connmark --mark': {
      const [wanted, mask] = numbers(value());
      return ({ state, connectionMark }: Moving) =>
        state !== '' && state !== 'UNTRACKED' && (connectionMark & mask!) >>> 0 === wanted;
    }
    case '--ctstate': {
      const states = value().split(',');
      return ({ state, dnat }: Moving) =>
        states.includes(state === '' ? 'INVALID' : state) || (dnat && states.includes('DNAT'));
    }
    case '--match-set': {
      const name = value();
      return inSet(sets.get(name) ?? refuse(text, `no set ${name}`), value());
    }
    case '--icmp-type':
    case '--icmpv6-type': {
      const [type, code] = value().split('/').map(Number);
      return ({ packet: { icmp } }: Moving) =>
        icmp !== undefined && icmp.type === type && (code === undefined || icmp.code === code);
    }
    case '--src-type':
      value();
      return ({ local }: Moving) => local;
    case '--limit':
    case '--limit-burst':
      value();
      return () => true;
    case '--tcp-flags':
      value();
      value();
      return () => true;
    default:
      return refuse(text, `unknown option ${option}`);
  }
}

function within(net: string, addressOf: (moving: Moving) => Packet['source']) {
  const contains = containing([net]);
  return (moving: Moving) => contains(addressOf(moving));
}

/** Few addresses are asked for often. */
function containing(nets: readonly string[]): (address: Packet['source']) => boolean {
  const known = new Map<string, boolean>();
  return address => {
    const found = known.get(address);
    if (found !== undefined) return found;
    const contained = nets.some(net => prefixContainsAddress(net as Prefix, address));
    known.set(address, contained);
    return contained;
  };
}

function onInterface(pattern: string, nameOf: (moving: Moving) => string | undefined) {
  const start = pattern.endsWith('+') ? pattern.slice(0, -1) : undefined;
  return (moving: Moving) => {
    const name = nameOf(moving) ?? '';
    return start === undefined ? name === pattern : name.startsWith(start);
  };
}

function numbers(text: string): number[] {
  return text.split('/').map(Number);
}

function portMatch(option: string, list: string, protocol: string | undefined, text: string) {
  const ranges = list.split(',').map(range => range.split(':').map(Number));
  if (ranges.flat().length > 15) refuse(text, 'more than 15 ports');
  if (!['tcp', 'udp', 'sctp', 'udplite'].includes(protocol ?? '')) refuse(text, 'multiport without ports');
  return ({ packet }: Moving) => {
    const port = option === '--sports' ? packet.sourcePort : packet.destinationPort;
    return port !== undefined && ranges.some(([min, max = min]) => min! <= port && port <= max!);
  };
}

function inSet({ type, members }: RenderedSet, sides: string) {
  const side = sides.startsWith('src') ? 'source' : 'destination';
  if (type === 'hash:ip,port') {
    return ({ packet }: Moving) => {
      const port = side === 'source' ? packet.sourcePort : packet.destinationPort;
      return members.has(`${packet[side]},${protocolNames[packet.protocol]}:${port}`);
    };
  }
  const contains = containing(
    [...members].map(net => (net.includes('/') ? net : `${net}/${net.includes(':') ? 128 : 32}`)),
  );
  return ({ packet }: Moving) => contains(packet[side]);
}

function parseTarget(words: readonly string[], { table }: RuleWorld, text: string): Target {
  const [flag, name, option, value = ''] = words;
  switch (name) {
    case 'ACCEPT':
      return { kind: 'accept' };
    case 'REJECT':
      if (table !== 'filter') refuse(text, 'REJECT is for filter');
      return { kind: 'drop' };
    case 'DROP':
      return { kind: 'drop' };
    case 'RETURN':
      return { kind: 'return' };
    case 'CT':
      if (table !== 'raw' || option !== '--notrack') refuse(text, 'CT is for raw');
      return { kind: 'notrack' };
    case 'MARK': {
      const [wanted, mask] = numbers(value);
      if (option !== '--set-xmark') refuse(text, 'unknown option of MARK');
      return { kind: 'mark', value: wanted!, mask: mask! };
    }
    case 'LOG':
      return { kind: 'nothing' };
    case 'TCPMSS':
      if (table !== 'mangle') refuse(text, 'TCPMSS is for mangle');
      return { kind: 'nothing' };
    case 'MASQUERADE':
    case 'SNAT':
      if (table !== 'nat') refuse(text, `${name} is for nat`);
      return { kind: 'accept' };
    default:
      if (name?.startsWith('mgy-') !== true) refuse(text, `unknown target ${name}`);
      return { kind: flag === '-g' ? 'goto' : 'jump', chain: name! };
  }
}
