/** What TCP of this network namespace has dropped without a word, from the kernel's counters (`/proc/net/netstat`). */
import { readFileSync } from 'node:fs';

/** Segments that this network namespace dropped since it began, whoever sent them. */
export interface DroppedSegments {
  /** Not signed, though we have a password. */
  readonly missing: number;
  /** Signed, though we have none. */
  readonly unexpected: number;
  /** Signed with another password. */
  readonly wrong: number;
  /** With a lower TTL than the socket's minimum (RFC 5082); a listener's socket filter is not counted. */
  readonly lowTtl: number;
}

/** Of this thread's network namespace. @throws where there is no /proc */
export function droppedSegments(): DroppedSegments {
  return parseDroppedSegments(readFileSync('/proc/thread-self/net/netstat', 'utf8'));
}

/** Pairs of lines, names above values, each after the group's name: `TcpExt: A B`, `TcpExt: 1 2`. */
export function parseDroppedSegments(netstat: string): DroppedSegments {
  const [names = [], values = []] = netstat
    .split('\n')
    .filter(line => line.startsWith('TcpExt:'))
    .map(line => line.split(' '));
  const counter = (name: string) => Number(values[names.indexOf(name)] ?? 0);
  return {
    missing: counter('TCPMD5NotFound'),
    unexpected: counter('TCPMD5Unexpected'),
    wrong: counter('TCPMD5Failure'),
    lowTtl: counter('TCPMinTTLDrop'),
  };
}
