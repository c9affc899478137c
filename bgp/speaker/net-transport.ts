/**
 * SHELL: {@link Transport} on `node:net`. What Node's own sockets cannot do (TTLs, signatures) comes in by the {@link SocketOptions}
 * port, which the agent fills from `linux/`; the library may go without.
 */
import net from 'node:net';
import type { IpAddress } from '../../core/ip-address.js';
import { hostPrefix, type Prefix } from '../../core/prefix.js';
import { ListenerGuards } from './listener-guards.js';
import { NetConnection, newReader, type Reader } from './net-connection.js';
import type {
  Cancel,
  ConnectionTerms,
  DialHandler,
  DialTarget,
  DroppedSegments,
  Guard,
  ListenHandler,
  Transport,
  TransportError,
} from './transport.js';
import { transportError } from './transport-words.js';

/** Foreign calls on the descriptor of a socket. */
export interface SocketOptions {
  /**
   * A non-blocking TCP socket whose connect is under way, with its options set.
   *
   * @throws with `code` ("EADDRNOTAVAIL", ...) where it cannot even begin
   */
  openDial(target: DialTarget): number;
  /**
   * A bound and listening TCP socket. @throws with `code` ("EADDRINUSE", ...)
   *
   * @param prepare before anybody can connect to it
   */
  openListener(
    endpoint: { readonly address: IpAddress; readonly port: number },
    backlog: number,
    prepare: (descriptor: number) => void,
  ): number;
  /** @param remoteAddress tells the family */
  setTtl(descriptor: number, remoteAddress: IpAddress, ttl: number): void;
  /** @param ttl 0 hears everything */
  setMinimumTtl(descriptor: number, remoteAddress: IpAddress, ttl: number): void;
  /** Of the other ends inside the prefix. @throws with `code` ("ENOMEM", ...) */
  setPassword(descriptor: number, prefix: Prefix, password: string | undefined): void;
  /** Of a listener; none takes them away, also from what it has accepted. */
  setTtlRules(descriptor: number, rules: readonly TtlRule[]): void;
  droppedSegments(): DroppedSegments;
  /** How many files this process may have open. */
  descriptorLimit(): number;
}

export interface TtlRule {
  readonly prefix: Prefix;
  readonly minimumTtl: number | undefined;
}

/** RFC 4271 knows no bound; a reflector's clients may all come back in the same second. */
const LISTEN_BACKLOG = 4096;
/** Descriptors are given out from below: one so near the limit says that hardly any other is free. */
const CROWDED_WITHIN = 8;
/** A thousand peers that are all away are not worth a thousand looks at the counters. */
const COUNTERS_VALID_MS = 500;

export class NetTransport implements Transport {
  readonly #options: SocketOptions | undefined;
  readonly #guards: ListenerGuards | undefined;
  readonly #crowdedFrom: number;
  #failures: { readonly atMs: number; readonly value: DroppedSegments } | undefined;

  constructor(options?: SocketOptions) {
    this.#options = options;
    this.#guards = options && new ListenerGuards(options);
    this.#crowdedFrom = (options?.descriptorLimit() ?? Number.POSITIVE_INFINITY) - CROWDED_WITHIN;
  }

  get secures(): boolean {
    return this.#options !== undefined;
  }

  guard(prefix: Prefix, guard: Guard | undefined, failed: (error: TransportError) => void): void {
    if (this.#guards !== undefined) this.#guards.set(prefix, guard, failed);
    else if (guard?.password !== undefined || guard?.minimumTtl !== undefined) failed(notSecured);
  }

  droppedSegments(): DroppedSegments | undefined {
    const now = performance.now();
    if (this.#options === undefined) return undefined;
    if (this.#failures === undefined || now - this.#failures.atMs > COUNTERS_VALID_MS)
      this.#failures = { atMs: now, value: this.#options.droppedSegments() };
    return this.#failures.value;
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
      handler.connected(this.#connection(socket, reader, target));
    };
    try {
      if (this.#options === undefined && (target.password ?? target.minimumTtl) !== undefined)
        throw notSecured;
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
    server.on('error', error => {
      server.close();
      handler.failed(transportError(error));
    });
    server.on('listening', () => handler.listening((server.address() as net.AddressInfo).port));
    server.on('connection', accepted => {
      const descriptor = handleOf(accepted)?.fd ?? 0;
      const { socket, reader } = withStaticReader(accepted);
      const connection = this.#connection(socket, reader, undefined);
      if (this.#guards?.mayBeOlder(connection.remoteAddress)) connection.destroy();
      else handler.accepted(connection);
      if (descriptor >= this.#crowdedFrom) handler.crowded?.(descriptor);
    });
    if (this.#options === undefined) {
      const { address: host, port } = endpoint;
      server.listen({ host, port, backlog: LISTEN_BACKLOG, ipv6Only: true });
    } else {
      try {
        this.#listenWithOptions(this.#options, server, endpoint);
      } catch (error) {
        setImmediate(() => handler.failed(transportError(error)));
      }
    }
    return () => server.close();
  }

  #listenWithOptions(
    options: SocketOptions,
    server: net.Server,
    endpoint: { readonly address: IpAddress; readonly port: number },
  ): void {
    const fd = options.openListener(endpoint, LISTEN_BACKLOG, prepared =>
      this.#guards?.prepare(prepared, endpoint.address),
    );
    this.#guards?.opened(fd, endpoint.address);
    server.once('close', () => this.#guards?.closed(fd));
    // Node listens once more, and with a descriptor it takes the length of the queue from here alone.
    server.listen({ fd }, LISTEN_BACKLOG);
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

  /** @param applied what the socket was made with; undefined: accepted */
  #connection(socket: net.Socket, reader: Reader | undefined, applied: ConnectionTerms | undefined) {
    const options = this.#options;
    const descriptor = handleOf(socket)?.fd;
    if (options === undefined || descriptor === undefined) return new NetConnection(socket, reader);
    let before = applied;
    const connection: NetConnection = new NetConnection(socket, reader, terms => {
      const remote = connection.remoteAddress;
      if (terms.ttl !== before?.ttl) options.setTtl(descriptor, remote, terms.ttl);
      if (terms.minimumTtl !== before?.minimumTtl)
        options.setMinimumTtl(descriptor, remote, terms.minimumTtl ?? 0);
      if (terms.password !== before?.password)
        options.setPassword(descriptor, hostPrefix(remote), terms.password);
      // What its listener asked for is its own matter from now on.
      if (before === undefined) options.setTtlRules(descriptor, []);
      before = terms;
    });
    return connection;
  }
}

const notSecured: TransportError = {
  code: 'ENOTSUP',
  message:
    'passwords and TTL security need the sockets of the operating system, which this speaker goes without',
};

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
