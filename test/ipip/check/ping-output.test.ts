import test from 'ava';
import { readPing } from '../../../ipip/check/ping-output.js';
import type { Outcome } from '../../../ipip/check/probe.js';

const statistics = (counts: string) => `\n--- 10.244.2.0 ping statistics ---\n${counts}\n\n`;
const none = statistics('4 packets transmitted, 0 received, 100% packet loss, time 794ms');
const errors = statistics('1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms');

/** What ping of iputils (20221126 and 20180629) prints, on both streams. */
const said: readonly (readonly [string, string, Outcome])[] = [
  [
    'an answer',
    `PING 10.244.2.0 (10.244.2.0) from 10.244.1.0 : 56(84) bytes of data.\n64 bytes from 10.244.2.0: icmp_seq=2 ttl=64 time=0.265 ms\n${statistics('2 packets transmitted, 1 received, 50% packet loss, time 500ms\nrtt min/avg/max/mdev = 0.265/0.265/0.265/0.000 ms')}`,
    { kind: 'answered', rttMs: 0.265 },
  ],
  [
    'an answer after an error',
    'From 10.9.0.1 icmp_seq=1 Destination Host Unreachable\n64 bytes from 10.9.0.2: icmp_seq=4 ttl=64 time=1043 ms\n',
    { kind: 'answered', rttMs: 1043 },
  ],
  ['silence', `PING 10.9.0.3 (10.9.0.3) 56(84) bytes of data.\n${none}`, { kind: 'silent' }],
  ['nothing at all', '\n', { kind: 'silent' }],
  [
    'the kernel’s own MTU',
    `PING 10.244.2.0 (10.244.2.0) from 10.244.1.0 : 1423(1451) bytes of data.\n${errors}ping: local error: message too long, mtu=1450\n`,
    { kind: 'too-big', mtu: 1450 },
  ],
  [
    'the kernel’s own MTU, newer',
    `PING 10.9.0.2 (10.9.0.2) 1473(1501) bytes of data.\n${errors}ping: local error: message too long, mtu: 1500\n`,
    { kind: 'too-big', mtu: 1500 },
  ],
  [
    'a router’s MTU',
    `PING 10.9.1.3 (10.9.1.3) 1472(1500) bytes of data.\nFrom 10.9.0.254 icmp_seq=1 Frag needed and DF set (mtu = 1400)\n${errors}`,
    { kind: 'too-big', mtu: 1400 },
  ],
  [
    'a router of before RFC 1191, which names no MTU',
    `From 10.9.0.254 icmp_seq=1 Frag needed and DF set (mtu = 0)\n${errors}`,
    { kind: 'rejected', detail: '10.9.0.254 says "Frag needed and DF set (mtu = 0)"' },
  ],
  [
    'a router without a route',
    `From 10.9.0.254 icmp_seq=1 Destination Net Unreachable\n${errors}`,
    { kind: 'rejected', detail: '10.9.0.254 says "Destination Net Unreachable"' },
  ],
  [
    'a firewall that says so',
    `From 10.9.1.3 icmp_seq=1 Packet filtered\n${errors}`,
    { kind: 'rejected', detail: '10.9.1.3 says "Packet filtered"' },
  ],
  [
    'an address that is not there',
    '\nping: bind: Cannot assign requested address\n',
    { kind: 'not-sent', detail: 'bind: Cannot assign requested address' },
  ],
  [
    'a blackhole route',
    '\nping: connect: Invalid argument\n',
    { kind: 'not-sent', detail: 'connect: Invalid argument' },
  ],
  [
    'a ping that does not know the flags',
    "\n/bin/ping: invalid option -- 'M'\nUsage: ping\n",
    { kind: 'not-sent', detail: "invalid option -- 'M'" },
  ],
];

for (const [what, output, outcome] of said) {
  test(`${what} is ${outcome.kind}`, t => {
    t.deepEqual(readPing(output), outcome);
  });
}
