/**
 * A {@link PacketLab} in which a packet's way through the host is chosen by its type of service, whatever its addresses are: out by any
 * interface, or to a process of the host.
 */
import type { ExecutionContext } from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Packet } from '../../../policy/model.js';
import { type LabPacket, PacketLab } from './packet-lab.js';

/** What routing heeds of it (linux/ip.h: IPTOS_TOS_MASK without the bits of ECN). */
const TOS_VALUES = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c] as const;
/** At most as many ways as there are values. */
const MOST_INTERFACES = TOS_VALUES.length - 1;
const FIRST_TABLE = 100;

/** Any source may come from anywhere, and what is refused is refused by policy alone. */
const sysctls = [
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  'net.ipv4.conf.all.accept_local=1',
  'net.ipv4.conf.all.send_redirects=0',
  'net.ipv4.conf.default.send_redirects=0',
];

export class SteeredLab {
  readonly lab: PacketLab;
  readonly #tos = new Map<string, number>();

  /** @param everybody addresses that packets may go to */
  constructor(t: ExecutionContext, interfaces: readonly string[], everybody: readonly IpAddress[]) {
    if (interfaces.length > MOST_INTERFACES) throw new Error(`at most ${MOST_INTERFACES} interfaces`);
    this.lab = new PacketLab(
      t,
      interfaces.map(name => ({ name, neighbours: everybody })),
    );
    const { host } = this.lab;
    host.run('sysctl', '-qw', ...sysctls, ...interfaces.map(name => `net.ipv4.conf.${name}.rp_filter=0`));
    for (const [i, to] of [...interfaces, 'host'].entries()) {
      const table = FIRST_TABLE + i;
      this.#tos.set(to, TOS_VALUES[i]!);
      for (const family of ['-4', '-6']) {
        const rule = TOS_VALUES[i] === 0 ? 'pref 20000' : `tos 0x${TOS_VALUES[i]!.toString(16)} pref 10000`;
        host.ip(`${family} rule add ${rule} lookup ${table}`);
        const route = to === 'host' ? 'local default dev lo' : `default dev ${to}`;
        host.ip(`${family} route add ${route} table ${table}`);
      }
    }
  }

  /** @param to an interface's name, or `host` */
  packet(packet: Packet, from: string, to: string): LabPacket {
    const tos = this.#tos.get(to);
    if (tos === undefined) throw new Error(`no interface ${to}`);
    return { packet, from, tos };
  }
}
