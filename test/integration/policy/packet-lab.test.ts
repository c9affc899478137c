/** The lab in which policy is judged by packets: what it says of a host without any, and of one with a rule. */
import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Packet } from '../../../policy/model.js';
import { type LabPacket, PacketLab } from './packet-lab.js';
import { Protocol } from './packets.js';

const ip = (text: string) => text as IpAddress;

function newLab(t: ConstructorParameters<typeof PacketLab>[0]) {
  return new PacketLab(t, [
    { name: 'cali1', neighbours: [ip('10.65.0.1'), ip('fd65::1')] },
    { name: 'cali2', neighbours: [ip('10.65.0.2'), ip('fd65::2')] },
    {
      name: 'eth0',
      neighbours: [ip('192.0.2.9'), ip('2001:db8::9')],
      addresses: ['192.0.2.1/24', '2001:db8::1/64'],
    },
  ]);
}

const ends = {
  cali1: ['10.65.0.1', 'fd65::1'],
  cali2: ['10.65.0.2', 'fd65::2'],
  eth0: ['192.0.2.9', '2001:db8::9'],
  host: ['192.0.2.1', '2001:db8::1'],
} as const;
type End = keyof typeof ends;

function packets(): { readonly sent: LabPacket; readonly to: End }[] {
  const all: { sent: LabPacket; to: End }[] = [];
  for (const family of [0, 1] as const) {
    const icmp = family === 0 ? Protocol.icmp : Protocol.icmp6;
    for (const from of Object.keys(ends) as End[]) {
      for (const to of Object.keys(ends) as End[]) {
        if (from === to) continue;
        for (const protocol of [icmp, Protocol.tcp, Protocol.udp, Protocol.sctp, Protocol.udpLite, 253]) {
          const type = family === 0 ? 8 : 128;
          const packet: Packet = {
            source: ip(ends[from][family]),
            destination: ip(ends[to][family]),
            protocol,
            ...(protocol === icmp
              ? { icmp: { type, code: 0 } }
              : { sourcePort: 40000 + all.length, destinationPort: 80 }),
          };
          all.push({ sent: { packet, from }, to });
        }
      }
    }
  }
  return all;
}

test('without rules every packet comes out where it is addressed to, and there alone', async t => {
  const lab = newLab(t);
  const all = packets();
  const arrivals = await lab.pass(
    all.map(({ sent }) => sent),
    100,
  );
  for (const [i, { sent, to }] of all.entries()) t.deepEqual(arrivals[i], [to], JSON.stringify(sent));
  t.is(all.length, 144);
});

test('what connection tracking calls INVALID is none of them', async t => {
  const lab = newLab(t);
  for (const tool of ['iptables', 'ip6tables']) {
    for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) {
      lab.host.run(tool, '-A', chain, '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP');
    }
  }
  const all = packets();
  const arrivals = await lab.pass(
    all.map(({ sent }) => sent),
    100,
  );
  for (const [i, { sent, to }] of all.entries()) t.deepEqual(arrivals[i], [to], JSON.stringify(sent));
});

test('what has been answered is new again once connections are forgotten', async t => {
  const lab = newLab(t);
  const established = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'DROP'];
  lab.host.run('iptables', '-A', 'FORWARD', ...established);
  const there = { source: ip('10.65.0.1'), destination: ip('10.65.0.2'), protocol: 253 };
  const back = { source: there.destination, destination: there.source, protocol: 253 };
  const both = [
    { packet: there, from: 'cali1' },
    { packet: back, from: 'cali2' },
  ];
  t.deepEqual(await lab.pass(both, 100), [['cali2'], []]);
  await lab.forgetConnections();
  t.deepEqual(await lab.pass(both.toReversed(), 100), [['cali1'], []]);
});

test('what a rule drops comes out nowhere', async t => {
  const lab = newLab(t);
  lab.host.run('iptables', '-A', 'FORWARD', '-p', 'udp', '--dport', '53', '-j', 'DROP');
  const packet = (destinationPort: number): LabPacket => ({
    packet: {
      source: ip('10.65.0.1'),
      destination: ip('10.65.0.2'),
      protocol: Protocol.udp,
      sourcePort: 4000,
      destinationPort,
    },
    from: 'cali1',
  });
  t.deepEqual(await lab.pass([packet(53), packet(54)], 100), [[], ['cali2']]);
});
