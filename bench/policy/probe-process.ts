/**
 * One end of a stream of small datagrams, in the network namespace where it begins or ends: a datagram a millisecond from one, the time at which
 * the first one arrived at the other. Times are of the kernel's monotonic clock, which all processes share.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './monotonic.js';
import { serve } from './remote.js';

export type ProbeCommand =
  | { readonly kind: 'listen'; readonly ports: readonly number[] }
  /** From now on, until the next `send` or `rest`. @param number what the datagrams carry */
  | { readonly kind: 'send'; readonly to: string; readonly port: number; readonly number: number }
  | { readonly kind: 'rest' }
  /** Answers when the first datagram of that number has come in, or has not within the time. */
  | { readonly kind: 'await'; readonly number: number; readonly timeoutMs: number };

/** Milliseconds; undefined: nothing came. */
export type ProbeAnswer = number | undefined;

const INTERVAL_MS = 1;
const POLL_MS = 5;

/** By the number that datagrams carry. */
const arrivals = new Map<number, number>();
let sender: Socket | undefined;
let timer: NodeJS.Timeout | undefined;

async function execute(command: ProbeCommand): Promise<ProbeAnswer> {
  switch (command.kind) {
    case 'listen':
      for (const port of command.ports) await listen(port);
      return undefined;
    case 'send':
      await send(command.to, command.port, command.number);
      return undefined;
    case 'rest':
      clearInterval(timer);
      return undefined;
    case 'await':
      return await arrival(command.number, command.timeoutMs);
  }
}

async function listen(port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', datagram => {
    const number = datagram.readUInt32BE(0);
    if (!arrivals.has(number)) arrivals.set(number, monotonicMs());
  });
  socket.bind(port, '0.0.0.0');
  await once(socket, 'listening');
}

async function send(to: string, port: number, number: number): Promise<void> {
  clearInterval(timer);
  const datagram = Buffer.alloc(4);
  datagram.writeUInt32BE(number);
  if (sender === undefined) {
    sender = createSocket('udp4');
    sender.bind(0, '0.0.0.0');
    await once(sender, 'listening');
  }
  const socket = sender;
  timer = setInterval(() => socket.send(datagram, port, to, () => {}), INTERVAL_MS);
}

async function arrival(number: number, timeoutMs: number): Promise<ProbeAnswer> {
  const deadline = monotonicMs() + timeoutMs;
  while (!arrivals.has(number) && monotonicMs() < deadline) await sleep(POLL_MS);
  return arrivals.get(number);
}

serve(execute);
