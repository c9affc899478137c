/**
 * A network in memory under a {@link FakeClock}: dials, listeners, connections with latency, in order and without loss, until a link
 * is cut. Speakers on it are deterministic to the byte. Passwords are looked at as TCP MD5 does (RFC 2385): what is signed otherwise waits
 * until it is not. All hosts share a link: TTLs never fall.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixLength } from '../../core/prefix.js';
import {
  type Cancel,
  type Connection,
  type ConnectionHandler,
  type ConnectionTerms,
  type DialHandler,
  type DialTarget,
  type DroppedSegments,
  type Guard,
  type ListenHandler,
  READ_HEADROOM,
  READ_SLACK,
  type Transport,
  type TransportError,
} from '../speaker/transport.js';
import type { FakeClock } from './fake-clock.js';

const FIRST_EPHEMERAL_PORT = 32768;

export class MemoryNetwork {
  readonly clock: FakeClock;
  readonly latencyMs: number;
  readonly #listeners = new Map<string, Listener>();
  readonly #connections = new Set<MemoryConnection>();
  readonly #cut = new Set<string>();
  readonly #deaf = new Set<IpAddress>();
  readonly #taps: {
    readonly from: IpAddress;
    readonly to: IpAddress;
    readonly see: (bytes: Uint8Array) => void;
  }[] = [];
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(clock: FakeClock, options: { readonly latencyMs?: number } = {}) {
    this.clock = clock;
    this.latencyMs = options.latencyMs ?? 1;
  }

  /** The transport of a host that has this address. */
  host(address: IpAddress): Transport {
    const host: Host = { guards: new Map(), failures: { missing: 0, unexpected: 0, wrong: 0, lowTtl: 0 } };
    return {
      dial: (target, handler) => this.#dial(address, target, handler),
      listen: (endpoint, handler) => this.#listen(endpoint, { handler, host }),
      secures: true,
      guard: (prefix, guard) => {
        if (guard === undefined) host.guards.delete(prefix);
        else host.guards.set(prefix, guard);
      },
      droppedSegments: () => ({ ...host.failures }),
    };
  }

  /** Bytes between the two stop arriving; nobody is told. Dials time out only at the dialler's patience. */
  cutLink(a: IpAddress, b: IpAddress): void {
    this.#cut.add(linkKey(a, b));
  }

  mendLink(a: IpAddress, b: IpAddress): void {
    this.#cut.delete(linkKey(a, b));
    for (const connection of this.#connections)
      if (connection.linkKey === linkKey(a, b)) connection.deliver();
  }

  /** Both ends see the connection reset, as after a crash of a host that came back. */
  resetConnections(a: IpAddress, b: IpAddress): void {
    for (const connection of [...this.#connections]) {
      if (connection.linkKey === linkKey(a, b))
        connection.reset({ code: 'ECONNRESET', message: 'connection reset' });
    }
  }

  /** The host's process reads nothing any more, though its kernel goes on: what others write to it piles up at their end. */
  stopReading(host: IpAddress): void {
    this.#deaf.add(host);
  }

  startReading(host: IpAddress): void {
    this.#deaf.delete(host);
    for (const connection of [...this.#connections]) {
      if (connection.localAddress !== host) continue;
      connection.deliver();
      connection.other?.drained();
    }
  }

  /** Shows every write from one host to another, as it is written. */
  tap(from: IpAddress, to: IpAddress, see: (bytes: Uint8Array) => void): void {
    this.#taps.push({ from, to, see });
  }

  wrote(from: IpAddress, to: IpAddress, bytes: Uint8Array): void {
    for (const tap of this.#taps) if (tap.from === from && tap.to === to) tap.see(bytes);
  }

  isDeaf(host: IpAddress): boolean {
    return this.#deaf.has(host);
  }

  isCut(key: string): boolean {
    return this.#cut.has(key);
  }

  forget(connection: MemoryConnection): void {
    this.#connections.delete(connection);
  }

  #listen(endpoint: { readonly address: IpAddress; readonly port: number }, listener: Listener): Cancel {
    const { handler } = listener;
    const port = endpoint.port === 0 ? this.#nextPort++ : endpoint.port;
    const key = `${endpoint.address} ${port}`;
    const taken = this.#listeners.has(key);
    if (!taken) this.#listeners.set(key, listener);
    this.clock.schedule(0, () => {
      if (taken) handler.failed({ code: 'EADDRINUSE', message: 'address in use' });
      else handler.listening(port);
    });
    return () => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
    };
  }

  #dial(from: IpAddress, target: DialTarget, handler: DialHandler): Cancel {
    let cancelled = false;
    this.clock.schedule(2 * this.latencyMs, () => {
      if (cancelled || this.isCut(linkKey(from, target.address))) return;
      const listener =
        this.#listeners.get(`${target.address} ${target.port}`) ??
        this.#listeners.get(`0.0.0.0 ${target.port}`);
      if (listener === undefined) {
        handler.failed({ code: 'ECONNREFUSED', message: 'connection refused' });
        return;
      }
      const local = target.localAddress ?? from;
      const password = passwordFor(listener.host, local);
      if (password !== target.password) {
        listener.host.failures[mismatch(password, target.password)]++;
        return;
      }
      const port = this.#nextPort++;
      const ours = new MemoryConnection(this, local, port, target.address, target.port);
      const theirs = new MemoryConnection(this, target.address, target.port, local, port);
      ours.password = theirs.password = password;
      ours.other = theirs;
      theirs.other = ours;
      this.#connections.add(ours).add(theirs);
      listener.handler.accepted(theirs);
      handler.connected(ours);
    });
    return () => {
      cancelled = true;
    };
  }
}

interface Host {
  readonly guards: Map<Prefix, Guard>;
  readonly failures: { -readonly [K in keyof DroppedSegments]: number };
}

interface Listener {
  readonly handler: ListenHandler;
  readonly host: Host;
}

/** That of the longest prefix. */
function passwordFor({ guards }: Host, address: IpAddress): string | undefined {
  let found: Prefix | undefined;
  for (const [prefix, { password }] of guards) {
    if (password === undefined || !prefixContainsAddress(prefix, address)) continue;
    if (found === undefined || prefixLength(prefix) > prefixLength(found)) found = prefix;
  }
  return found && guards.get(found)?.password;
}

function mismatch(ours: string | undefined, theirs: string | undefined): keyof DroppedSegments {
  if (ours === undefined) return 'unexpected';
  return theirs === undefined ? 'missing' : 'wrong';
}

function linkKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** A reader that stopped reading takes this much; the rest waits at the writer's end. */
const RECEIVE_BUFFER = 4096;

class MemoryConnection implements Connection {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly linkKey: string;
  other: MemoryConnection | undefined;
  password: string | undefined;
  readonly #network: MemoryNetwork;
  #handler: ConnectionHandler | undefined;
  /** Arrived, or held up by a cut link; `end` marks the other end's close. */
  readonly #inbox: (Uint8Array | 'end')[] = [];
  #over = false;
  #written = 0;
  read = 0;

  constructor(
    network: MemoryNetwork,
    localAddress: IpAddress,
    localPort: number,
    remoteAddress: IpAddress,
    remotePort: number,
  ) {
    this.#network = network;
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.linkKey = linkKey(localAddress, remoteAddress);
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#network.clock.schedule(0, () => this.deliver());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#over) return true;
    this.#written += bytes.length;
    this.#network.wrote(this.localAddress, this.remoteAddress, bytes);
    this.#send(bytes.slice());
    return this.unsent === 0;
  }

  get unsent(): number {
    if (!this.#network.isDeaf(this.remoteAddress)) return 0;
    return Math.max(0, this.#written - (this.other?.read ?? 0) - RECEIVE_BUFFER);
  }

  /** The other end reads again. */
  drained(): void {
    this.#handler?.drained();
  }

  apply({ password }: ConnectionTerms): void {
    this.password = password;
    this.deliver();
    this.other?.deliver();
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#over) return;
    this.#leave();
    this.#send('end');
  }

  reset(error: TransportError): void {
    const handler = this.#handler;
    this.#leave();
    handler?.closed(error);
  }

  deliver(): void {
    while (this.#handler !== undefined && this.#inbox.length > 0 && this.#hears()) {
      const next = this.#inbox.shift()!;
      if (next === 'end') {
        const handler = this.#handler;
        this.#leave();
        handler.closed(undefined);
        return;
      }
      this.read += next.length;
      const buffer = new Uint8Array(READ_HEADROOM + next.length + READ_SLACK);
      buffer.set(next, READ_HEADROOM);
      this.#handler.received(buffer, READ_HEADROOM, READ_HEADROOM + next.length);
    }
  }

  #hears(): boolean {
    if (this.#network.isCut(this.linkKey) || this.#network.isDeaf(this.localAddress)) return false;
    return this.other?.password === this.password;
  }

  #send(what: Uint8Array | 'end'): void {
    this.#network.clock.schedule(this.#network.latencyMs, () => {
      this.other?.receive(what);
    });
  }

  receive(what: Uint8Array | 'end'): void {
    if (this.#over) return;
    this.#inbox.push(what);
    this.deliver();
  }

  #leave(): void {
    this.#over = true;
    this.#handler = undefined;
    this.#network.forget(this);
  }
}
