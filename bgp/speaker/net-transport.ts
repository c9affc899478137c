/**
 * SHELL: {@link Transport} on `node:net`. What Node's own sockets cannot do (TTL, binding before a dial with options) comes in by the
 * {@link SocketOptions} port, which the agent fills from `linux/`; the library goes without.
 */
import net from 'node:net';
import type { IpAddress } from '../../core/ip-address.js';
import { NetConnection, newReader, type Reader } from './net-connection.js';
import type {
  Cancel,
  DialHandler,
  DialTarget,
  ListenHandler,
  Transport,
  TransportError,
} from './transport.js';

/** Foreign calls on the descriptor of a socket. */
export interface SocketOptions {
  /**
   * A non-blocking TCP socket whose connect is under way, with its options set.
   *
   * @throws with `code` ("EADDRNOTAVAIL", ...) where it cannot even begin
   */
  openDial(target: DialTarget): number;
  /** A bound and listening TCP socket. @throws with `code` ("EADDRINUSE", ...) */
  openListener(endpoint: { readonly address: IpAddress; readonly port: number }, backlog: number): number;
  /** @param remoteAddress tells the family */
  setTtl(descriptor: number, remoteAddress: IpAddress, ttl: number): void;
}

/** RFC 4271 knows no bound; a reflector's clients may all come back in the same second. */
const LISTEN_BACKLOG = 4096;

export class NetTransport implements Transport {
  readonly #options: SocketOptions | undefined;

  constructor(options?: SocketOptions) {
    this.#options = options;
  }

  dial(target: DialTarget, handler: DialHandler): Cancel {
    const reader = newReader();
    let socket: net.Socket | undefined;
    let over = false;
    const finish = (error: TransportError | undefined) => {
      if (over) return;
      over = true;
      if (error !== undefined || socket === undefined) {
        socket?.destroy();
        handler.failed(error ?? { code: '', message: 'no socket' });
        return;
      }
      socket.removeAllListeners();
      handler.connected(this.#connection(socket, reader));
    };
    try {
      socket =
        this.#options === undefined
          ? this.#plainDial(target, reader, finish)
          : this.#dialWithOptions(this.#options, target, reader, finish);
    } catch (error) {
      const failure = transportError(error);
      setImmediate(() => finish(failure));
    }
    return () => {
      over = true;
      socket?.destroy();
    };
  }

  listen(endpoint: { readonly address: IpAddress; readonly port: number }, handler: ListenHandler): Cancel {
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: false });
    server.on('error', error => handler.failed(transportError(error)));
    server.on('listening', () => handler.listening((server.address() as net.AddressInfo).port));
    server.on('connection', accepted => {
      const { socket, reader } = withStaticReader(accepted);
      handler.accepted(this.#connection(socket, reader));
    });
    if (this.#options === undefined) {
      const { address: host, port } = endpoint;
      server.listen({ host, port, backlog: LISTEN_BACKLOG, ipv6Only: true });
    } else {
      try {
        server.listen({ fd: this.#options.openListener(endpoint, LISTEN_BACKLOG) });
      } catch (error) {
        setImmediate(() => handler.failed(transportError(error)));
      }
    }
    return () => server.close();
  }

  #plainDial(target: DialTarget, reader: Reader, finish: (error: TransportError | undefined) => void) {
    const { address: host, port, localAddress } = target;
    const socket = net.connect({
      host,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      onread: reader,
      highWaterMark: 1,
    } as net.NetConnectOpts);
    socket.once('error', error => finish(transportError(error)));
    socket.once('connect', () => {
      socket.pause();
      finish(undefined);
    });
    return socket;
  }

  /**
   * A wrapped descriptor says `open` before it is: an empty write that succeeds is the proof, and nothing may read before it
   * (a read would swallow the reason of a failure).
   */
  #dialWithOptions(
    options: SocketOptions,
    target: DialTarget,
    reader: Reader,
    finish: (error: TransportError | undefined) => void,
  ) {
    const fd = options.openDial(target);
    const socket = new net.Socket({
      fd,
      readable: true,
      writable: true,
      manualStart: true,
      onread: reader,
      highWaterMark: 1,
    } as net.SocketConstructorOpts);
    socket.once('error', error => finish(transportError(error)));
    socket.write(new Uint8Array(0), error => {
      if (error) finish(transportError(error));
      else if (socket.destroyed || socket.remoteAddress === undefined)
        finish({ code: 'ECONNREFUSED', message: 'connection refused' });
      else finish(undefined);
    });
    return socket;
  }

  #connection(socket: net.Socket, reader: Reader | undefined): NetConnection {
    const options = this.#options;
    const descriptor = handleOf(socket)?.fd;
    if (options === undefined || descriptor === undefined) return new NetConnection(socket, reader);
    const connection: NetConnection = new NetConnection(socket, reader, ttl => {
      if (!socket.destroyed) options.setTtl(descriptor, connection.remoteAddress, ttl);
    });
    return connection;
  }
}

/** What of libuv's handle is used; there is no public way to either. */
interface Handle {
  readonly fd: number;
}

function handleOf(socket: net.Socket): Handle | undefined {
  return (socket as unknown as { _handle: Handle | null })._handle ?? undefined;
}

/**
 * Node gives `onread` to sockets that it dials only. An accepted one is taken over, handle and all, by a second socket that has it
 * (a third less CPU on a full table); where a future Node has no such handle, the socket is used as it is.
 */
function withStaticReader(accepted: net.Socket): { socket: net.Socket; reader: Reader | undefined } {
  const handle = handleOf(accepted);
  if (handle === undefined) return { socket: accepted, reader: undefined };
  const reader = newReader();
  const socket = new net.Socket({
    handle,
    manualStart: true,
    onread: reader,
    highWaterMark: 1,
  } as unknown as net.SocketConstructorOpts);
  (accepted as unknown as { _handle: Handle | null })._handle = null;
  return { socket, reader };
}

function transportError(error: unknown): TransportError {
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? '', message: message ?? String(error) };
}
