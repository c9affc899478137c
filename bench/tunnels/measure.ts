/** SHELL: one sample of the way between two pods as it is now: single pings, then a TCP stream, then as many datagrams as go. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Pod } from '../../demo/host-lab.js';
import { patience } from '../../demo/patience.js';
import { end, launch } from '../daemons/processes.js';
import type { Daemons } from '../daemons/programs.js';
import { untilListening } from '../side-by-side/process-usage.js';
import { readTcpGbit, readUdpStream } from './iperf3.js';
import { type RoundTrips, readRoundTrips } from './ping.js';
import type { Sample } from './results.js';

const PORT = 5299;
const PINGS = 500;
const PING_INTERVAL_SECONDS = 0.002;
/** Left out at the start of the TCP stream: its window grows, and the path's MTU is found. */
const OMITTED_SECONDS = 1;
/** What Linux comes with; some machines are set to others, whose pace is not the path's. */
const CONGESTION_CONTROL = 'cubic';
const DATAGRAM_OCTETS = 64;
const START_TIMEOUT_MS = 10_000;
/** For what should take no time but that of the stream. */
const GRACE_SECONDS = 30;

const run = promisify(execFile);

export interface Path {
  readonly from: Pod;
  readonly to: Pod;
  /** Of the run: the processes' working directory. */
  readonly directory: string;
}

export async function measure(path: Path, daemons: Daemons, seconds: number): Promise<Sample> {
  const { p50Ms, p99Ms } = await roundTrips(path);
  const stream = (flags: string) => iperf3(path, daemons, seconds, flags.split(' '));
  const tcp = await stream(`--omit ${OMITTED_SECONDS} --congestion ${CONGESTION_CONTROL}`);
  const udp = await stream(`--udp --length ${DATAGRAM_OCTETS} --bitrate 0`);
  const { packetsPerSecond, lostPercent } = readUdpStream(udp, DATAGRAM_OCTETS);
  return {
    tcpGbitPerSecond: readTcpGbit(tcp),
    udpPacketsPerSecond: packetsPerSecond,
    udpLostPercent: lostPercent,
    p50Ms,
    p99Ms,
  };
}

async function roundTrips({ from, to }: Path): Promise<RoundTrips> {
  const flags = ['-n', '-i', `${PING_INTERVAL_SECONDS}`, '-c', `${PINGS}`, to.address];
  return readRoundTrips(await inside(from, ['ping', ...flags], GRACE_SECONDS));
}

/** What the client says. Each stream has a server of its own: one whose client went away may be busy for long. */
async function iperf3(
  { from, to, directory }: Path,
  daemons: Daemons,
  seconds: number,
  flags: readonly string[],
): Promise<string> {
  const port = ['--port', `${PORT}`];
  const place = { networkNamespace: to.namespace, directory };
  const serverFlags = ['--server', '--one-off', '--bind', to.address, ...port];
  const server = launch(place, daemons.launch('iperf3', 'iperf3', serverFlags), 'quiet');
  try {
    await untilListening(server.pid!, PORT, START_TIMEOUT_MS * patience);
    const clientFlags = ['--client', to.address, '--json', '--time', `${seconds}`, ...port, ...flags];
    const client = daemons.launch('iperf3', 'iperf3', clientFlags);
    return await inside(from, [client.command, ...client.args], seconds + GRACE_SECONDS, client.env);
  } finally {
    await end(server);
  }
}

/**
 * What a command says in a pod. One that fails has its say, too: iperf3 puts the reason there.
 *
 * @throws if it does not end within the time (times the machine's patience)
 */
async function inside(
  pod: Pod,
  command: readonly string[],
  timeoutSeconds: number,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const words = ['netns', 'exec', pod.namespace, ...command];
  const timeout = timeoutSeconds * 1000 * patience;
  const options = { env: { ...process.env, ...env }, timeout, maxBuffer: 1 << 26 };
  try {
    return (await run('ip', words, options)).stdout;
  } catch (error) {
    const { killed, stdout } = error as { readonly killed?: boolean; readonly stdout?: string };
    if (killed === true) throw new Error(`${command.join(' ')}: no end after ${timeout / 1000} s`);
    if (stdout === undefined || stdout === '') throw error;
    return stdout;
  }
}
