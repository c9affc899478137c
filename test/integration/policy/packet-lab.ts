/**
 * A host with interfaces and a world around it that is nothing but sockets: packets are put on the wire of an interface, or sent by a
 * process of the host, and it is seen where each comes out: on which interface, or at a process of the host.
 *
 * Nobody answers in the world, and nobody asks: the host's neighbours are entered by hand.
 */
import type { ExecutionContext } from 'ava';
import { addressFamily, type IpAddress } from '../../../core/ip-address.js';
import {
  bind,
  close,
  receivePacket,
  SocketDomain,
  SocketType,
  sendPacket,
  setIntOption,
  socket,
} from '../../../linux/libc.js';
import { insideNamespace } from '../../../linux/namespace.js';
import { ConntrackTable } from '../../../linux/netlink/conntrack-table.js';
import { internetAddress } from '../../../linux/socket-address.js';
import type { Packet } from '../../../policy/model.js';
import { ifindex, join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { encodePacket, markOf, Protocol } from './packets.js';

/** linux/socket.h, linux/if_ether.h, linux/if_packet.h, linux/in.h */
const AF_PACKET = 17;
const ETH_P_ALL = 3;
const ETHER_TYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const PACKET_OUTGOING = 4;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** IP_TOS and IPV6_TCLASS (linux/in.h, linux/in6.h): a packet of our own making is routed by these, whatever its header says. */
const trafficClassOption = { ipv4: [0, 1], ipv6: [41, 67] } as const;

/** The kernel itself answers nothing, and takes UDP-Lite's checksum for what it is (it computes it as UDP's). */
const sysctls = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv4.icmp_echo_ignore_all=1',
  'net.ipv6.icmp.echo_ignore_all=1',
  'net.netfilter.nf_conntrack_checksum=0',
];

export interface LabInterface {
  /** Of the host. */
  readonly name: string;
  /** Who is behind it: they have neighbour entries and host routes. */
  readonly neighbours: readonly IpAddress[];
  /** Of the host itself, `ADDRESS/LENGTH`. */
  readonly addresses?: readonly string[];
}

export interface LabPacket {
  readonly packet: Packet;
  /** The interface it comes in by; `host`: a process of the host sends it. */
  readonly from: string;
  /** Type of service or traffic class, which the host's routing may go by. */
  readonly tos?: number;
}

/** An interface's name, or `host`. */
export type Arrival = string;

export class PacketLab {
  readonly host: NetworkNamespace;
  readonly #wires = new Map<
    string,
    { readonly fd: number; readonly index: number; readonly mac: Uint8Array }
  >();
  readonly #processes: readonly ProcessSocket[];
  readonly #sending: Readonly<Record<'ipv4' | 'ipv6', number>>;
  readonly #buffer = new Uint8Array(2048);
  readonly #sender = new Uint8Array(32);
  readonly #connections: ConntrackTable;
  #mark = 0;

  constructor(t: ExecutionContext, interfaces: readonly LabInterface[]) {
    this.host = makeNamespace(t);
    const world = makeNamespace(t);
    this.host.run('sysctl', '-qw', ...sysctls);
    for (const [number, each] of interfaces.entries()) this.#lay(world, each, number);
    const { processes, sending } = insideNamespace(this.host.path, () => ({
      processes: openProcesses(),
      sending: {
        ipv4: socket(SocketDomain.inet, SocketType.raw | SocketType.nonblock, IPPROTO_RAW),
        ipv6: socket(SocketDomain.inet6, SocketType.raw | SocketType.nonblock, IPPROTO_RAW),
      },
    }));
    this.#processes = processes;
    this.#sending = sending;
    this.#connections = new ConntrackTable(this.host.path);
    t.teardown(() => {
      this.#connections.close();
      for (const { fd } of this.#wires.values()) close(fd);
      for (const { fd } of processes) close(fd);
      for (const fd of Object.values(sending)) close(fd);
    });
  }

  #lay(world: NetworkNamespace, { name, neighbours, addresses = [] }: LabInterface, number: number): void {
    const [ours, theirs] = [macOf(1, number), macOf(2, number)];
    join(this.host, name, world, `w${number}`);
    world.run('sysctl', '-qw', `net.ipv6.conf.w${number}.disable_ipv6=1`);
    this.host.ip(`link set ${name} address ${macText(ours)}`);
    world.ip(`link set w${number} address ${macText(theirs)}`);
    for (const address of addresses) {
      this.host.ip(`addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`);
    }
    this.host.ipBatch(
      neighbours.flatMap(address => [
        `neigh replace ${address} lladdr ${macText(theirs)} dev ${name} nud permanent`,
        `route replace ${address} dev ${name}`,
      ]),
    );
    const index = ifindex(world, `w${number}`);
    const fd = insideNamespace(world.path, () => openWire(index));
    this.#wires.set(name, { fd, index, mac: ours });
  }

  /**
   * Sends all of them, and says of each where it came out: nowhere, as a rule, means that it was dropped.
   *
   * @param settleMs how long the last ones may be under way
   */
  async pass(packets: readonly LabPacket[], settleMs = 20): Promise<readonly (readonly Arrival[])[]> {
    this.#drain(() => {});
    const first = this.#mark;
    for (const [i, each] of packets.entries()) this.#send(each, (first + i) & 0xffff);
    this.#mark = (first + packets.length) & 0xffff;
    await new Promise(resolve => setTimeout(resolve, settleMs));
    const arrivals: Set<Arrival>[] = packets.map(() => new Set());
    this.#drain((mark, where, seen) => {
      const place = (mark - first) & 0xffff;
      const packet = packets[place]?.packet;
      // An ICMP error quotes the packet, its mark included.
      if (packet === undefined || packet.protocol !== seen.protocol) return;
      if (packet.icmp === undefined || packet.icmp.type === seen.firstOctet) arrivals[place]?.add(where);
    });
    return arrivals.map(each => [...each]);
  }

  /** Every packet is the first of its connection again. */
  async forgetConnections(): Promise<void> {
    await this.#connections.flush();
  }

  #send({ packet, from, tos = 0 }: LabPacket, mark: number): void {
    const bytes = encodePacket(packet, mark, tos);
    const family = addressFamily(packet.source);
    if (from === 'host') {
      const fd = this.#sending[family];
      const [level, option] = trafficClassOption[family];
      setIntOption(fd, level, option, tos);
      check(sendPacket(fd, bytes, bytes.length, internetAddress(packet.destination, 0)));
      return;
    }
    const wire = this.#wires.get(from);
    if (wire === undefined) throw new Error(`no interface ${from}`);
    const address = linkAddress(ETHER_TYPE[family], wire.index, wire.mac);
    check(sendPacket(wire.fd, bytes, bytes.length, address));
  }

  #drain(seen: (mark: number, where: Arrival, what: SeenPacket) => void): void {
    const buffer = this.#buffer;
    const read = (fd: number, where: Arrival, look: () => SeenPacket) => {
      for (;;) {
        const length = receivePacket(fd, buffer, this.#sender);
        if (length < 0) return;
        const mark = markOf(buffer, length);
        // What we put on the wire ourselves is heard as well.
        const own = where !== 'host' && this.#sender[10] === PACKET_OUTGOING;
        if (mark !== undefined && !own) seen(mark, where, look());
      }
    };
    const onWire = () =>
      buffer[0]! >>> 4 === 4
        ? { protocol: buffer[9]!, firstOctet: buffer[20]! }
        : { protocol: buffer[6]!, firstOctet: buffer[40]! };
    for (const [name, { fd }] of this.#wires) read(fd, name, onWire);
    for (const { fd, protocol, headerLength } of this.#processes) {
      read(fd, 'host', () => ({ protocol, firstOctet: buffer[headerLength]! }));
    }
  }
}

/** What tells a packet from an ICMP error about it. */
interface SeenPacket {
  readonly protocol: number;
  /** Of the payload: an ICMP type. */
  readonly firstOctet: number;
}

/** A send may be refused by a rule of OUTPUT: EPERM is a packet that was dropped. */
function check(result: number): void {
  const EPERM = 1;
  if (result < 0 && -result !== EPERM) throw new Error(`sendto: errno ${-result}`);
}

interface ProcessSocket {
  readonly fd: number;
  readonly protocol: number;
  /** Of what it reads: IPv6 ones give the payload alone (RFC 3542). */
  readonly headerLength: number;
}

/** IPIP, GRE, and one for experiments (RFC 3692). */
const otherProtocols = [4, 47, 253];

/** Raw sockets hear what INPUT has let through. */
function openProcesses(): readonly ProcessSocket[] {
  const protocols = [...Object.values(Protocol), ...otherProtocols];
  return [SocketDomain.inet, SocketDomain.inet6].flatMap(domain =>
    protocols.map(protocol => {
      const fd = socket(domain, SocketType.raw | SocketType.nonblock, protocol);
      setIntOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20);
      return { fd, protocol, headerLength: domain === SocketDomain.inet ? 20 : 0 };
    }),
  );
}

function openWire(index: number): number {
  const fd = socket(AF_PACKET, SocketType.datagram | SocketType.nonblock, 0);
  setIntOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20);
  bind(fd, linkAddress(ETH_P_ALL, index, new Uint8Array(6)));
  return fd;
}

/** struct sockaddr_ll: family (16), protocol (16, network order), ifindex (32), hatype (16), pkttype (8), halen (8), address. */
function linkAddress(protocol: number, index: number, mac: Uint8Array): Uint8Array {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setUint32(4, index, true);
  address[11] = 6;
  address.set(mac, 12);
  return address;
}

function macOf(side: number, number: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, side, number);
}

function macText(mac: Uint8Array): string {
  return [...mac].map(octet => octet.toString(16).padStart(2, '0')).join(':');
}
