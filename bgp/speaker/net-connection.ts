/**
 * SHELL: a `net.Socket` as a {@link Connection}. All sockets of a process read into one static buffer: nothing is allocated per read,
 * and what a session wants to keep it copies.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import {
  type Connection,
  type ConnectionHandler,
  type ConnectionTerms,
  READ_HEADROOM,
  READ_SLACK,
  type TransportError,
} from './transport.js';

const READ_SIZE = 256 * 1024;
/** Reading pauses for a turn of the event loop after this long, so that timers and other peers have theirs. */
const LONGEST_TURN_MS = 10;
/** A peer that does not take the last words is not waited for. */
const LINGER_MS = 1000;

const memory = new ArrayBuffer(READ_HEADROOM + READ_SIZE + READ_SLACK);
const shared = new Uint8Array(memory);
let turnBegan = 0;

/** Wire it into the socket's constructor; {@link NetConnection} says who gets the bytes. */
export interface Reader extends OnReadOpts {
  receiver: NetConnection | undefined;
}

export function newReader(): Reader {
  const reader: Reader = {
    receiver: undefined,
    buffer: new Uint8Array(memory, READ_HEADROOM, READ_SIZE),
    callback: (length: number) => reader.receiver?.received(length) ?? false,
  };
  return reader;
}

export class NetConnection implements Connection {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly #socket: Socket;
  readonly #applyTerms: ((terms: ConnectionTerms) => void) | undefined;
  #handler: ConnectionHandler | undefined;
  #error: TransportError | undefined;
  #over = false;

  /** @param socket connected, not yet reading */
  constructor(socket: Socket, reader: Reader | undefined, applyTerms?: (terms: ConnectionTerms) => void) {
    this.#socket = socket;
    this.#applyTerms = applyTerms;
    this.localAddress = plainAddress(socket.localAddress);
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.remotePort = socket.remotePort ?? 0;
    socket.setNoDelay(true);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = { code: error.code ?? '', message: error.message };
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
    socket.on('drain', () => this.#handler?.drained());
    if (reader === undefined) socket.on('data', (chunk: Uint8Array) => this.#copied(chunk));
    else reader.receiver = this;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    if (this.#socket.destroyed) queueMicrotask(() => this.#closed());
    else this.#socket.resume();
  }

  /** From the static buffer. False pauses the socket. Hot path. */
  received(length: number): boolean {
    this.#handler?.received(shared, READ_HEADROOM, READ_HEADROOM + length);
    return this.#mayGoOn();
  }

  write(bytes: Uint8Array): boolean {
    return !this.#over && this.#socket.write(bytes);
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  apply(terms: ConnectionTerms): void {
    if (this.#socket.destroyed) return;
    try {
      this.#applyTerms?.(terms);
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  end(): void {
    this.#leave();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(timer));
    this.#socket.resume();
    this.#socket.end(() => this.#socket.destroySoon());
  }

  destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #leave(): void {
    this.#over = true;
    this.#handler = undefined;
  }

  #closed(): void {
    const handler = this.#handler;
    this.#leave();
    handler?.closed(this.#error);
  }

  #copied(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; from += READ_SIZE) {
      const part = chunk.subarray(from, from + READ_SIZE);
      shared.set(part, READ_HEADROOM);
      this.#handler?.received(shared, READ_HEADROOM, READ_HEADROOM + part.length);
    }
  }

  /** libuv reads on while there is something, so a flood from one peer could hold a turn for long. */
  #mayGoOn(): boolean {
    const now = performance.now();
    if (turnBegan === 0) {
      turnBegan = now;
      setImmediate(() => {
        turnBegan = 0;
      });
    }
    if (now - turnBegan < LONGEST_TURN_MS) return true;
    setImmediate(() => {
      if (!this.#over) this.#socket.resume();
    });
    return false;
  }
}

/** A socket of a dual-stack listener shows IPv4 addresses as mapped ones, a link-local address its zone. */
function plainAddress(text: string | undefined): IpAddress {
  const plain = (text ?? '0.0.0.0').replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  return parseIpAddress(plain) ?? ('0.0.0.0' as IpAddress);
}
