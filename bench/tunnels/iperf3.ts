/** What `iperf3 --json` says at a client's end (3.12 and later), for one stream towards the server. Pure. */

export interface UdpStream {
  /** Those that arrived. */
  readonly packetsPerSecond: number;
  /** Of those that were sent. */
  readonly lostPercent: number;
}

interface Sum {
  readonly seconds: number;
  readonly bytes: number;
  readonly bits_per_second: number;
  /** UDP only. */
  readonly packets?: number;
}

interface Report {
  readonly error?: string;
  readonly end?: { readonly sum_sent?: Sum; readonly sum_received?: Sum };
}

/**
 * Gbit/s that arrived, the seconds left out at the beginning apart.
 *
 * @throws if iperf3 failed; the message is its own
 */
export function readTcpGbit(json: string): number {
  return read(json).received.bits_per_second / 1e9;
}

/**
 * Counted by the octets that arrived: the numbers of datagrams in the report are the highest seen, which a lost end makes smaller.
 *
 * @param octetsPerPacket of payload
 * @throws if iperf3 failed; the message is its own
 */
export function readUdpStream(json: string, octetsPerPacket: number): UdpStream {
  const { sent, received } = read(json);
  const arrived = received.bytes / octetsPerPacket;
  const packets = sent.packets ?? 0;
  if (packets === 0) throw new Error('iperf3: no datagram was sent');
  return {
    packetsPerSecond: arrived / received.seconds,
    lostPercent: 100 * (1 - arrived / packets),
  };
}

function read(json: string) {
  const { error, end } = parse(json);
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  const [sent, received] = [end?.sum_sent, end?.sum_received];
  if (sent === undefined || received === undefined || !(received.seconds > 0))
    throw new Error('iperf3: its report says nothing of what arrived');
  return { sent, received };
}

function parse(json: string): Report {
  try {
    return JSON.parse(json) as Report;
  } catch {
    throw new Error(`iperf3: no JSON: ${json.slice(0, 200)}`);
  }
}
