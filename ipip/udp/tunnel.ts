/**
 * SHELL: one tunnel: the TUN device and the UDP socket that the state asks for, kept open, and the packets between them. Holds no
 * decision about a packet (`forwarder.ts`) and none about when to try again (`kept-open.ts`).
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { Ipv4Address } from '../../core/ip-address.js';
import type { ProcessName } from '../../linux/process-files.js';
import type { RawSocket } from '../../linux/raw-socket.js';
import type { TunDevice, TunOptions } from '../../linux/tun.js';
import type { UdpSocket, UdpSocketOptions } from '../../linux/udp-socket.js';
import { linuxCarrier, type UdpHost, udpHost } from './carrier.js';
import { type Counters, Forwarder } from './forwarder.js';
import { KeptOpen } from './kept-open.js';
import type { TunnelState, UdpState } from './state.js';
import type { TroubleList } from './trouble-list.js';

export interface TunnelPorts {
  openDevice(options: TunOptions): TunDevice;
  /** What is wrong, in words; "" if nothing. */
  bringUp(name: string, mtu: number): Promise<string>;
  openSocket(options: UdpSocketOptions): UdpSocket;
  /** Who has that UDP port. */
  portHolder(port: number): ProcessName | undefined;
  pathMtu(local: Ipv4Address, destination: Ipv4Address): number | undefined;
  openAnswers(): RawSocket;
}

/** Packets taken in one turn from one side: enough to make the turn worth while, few enough to let the other side have its own. */
const BURST = 64;
const LONGEST_PACKET = 65535;
const DEVICE_PAUSE = { firstPauseMs: 50, longestPauseMs: 500 } as const;
const SOCKET_PAUSE = { firstPauseMs: 200, longestPauseMs: 5000 } as const;
const BRING_UP_MS = 1000;

export class Tunnel {
  readonly #ports: TunnelPorts;
  readonly #clock: Clock;
  readonly #troubles: TroubleList;
  readonly #forwarder: Forwarder<UdpHost>;
  readonly #buffer = new Uint8Array(LONGEST_PACKET);
  #state: UdpState = { device: undefined };
  #device: KeptOpen<TunDevice> | undefined;
  #socket: KeptOpen<UdpSocket> | undefined;
  #answers: RawSocket | undefined;
  #bringUpTimer: Timer | undefined;
  #bringingUp = false;
  #closed = false;

  constructor(ports: TunnelPorts, clock: Clock, troubles: TroubleList) {
    this.#ports = ports;
    this.#clock = clock;
    this.#troubles = troubles;
    const carrier = linuxCarrier({
      device: () => this.#device?.current,
      socket: () => this.#socket?.current,
      answers: () => this.#answers,
      pathMtu: host =>
        this.#state.device === undefined ? undefined : ports.pathMtu(this.#state.local, host),
      deviceIsDown: () => this.#bringUpIn(BRING_UP_MS),
      note: message => troubles.note(message),
    });
    this.#forwarder = new Forwarder(carrier, clock);
  }

  get counters(): Readonly<Counters> {
    return this.#forwarder.counters;
  }

  /** What is open, and how many routes there are. */
  get open(): {
    readonly device: string | undefined;
    readonly port: number | undefined;
    readonly routes: number;
  } {
    const { device, port, routes } = this.#state.device === undefined ? nothing : this.#state;
    return {
      device: this.#device?.current === undefined ? undefined : device?.name,
      port: this.#socket?.current === undefined ? undefined : port,
      routes: routes.length,
    };
  }

  /** What is as it was stays untouched: a change of routes loses no packet. */
  apply(state: UdpState): void {
    const before = this.#state;
    this.#state = state;
    if (state.device === undefined) {
      this.#closeAll();
      return;
    }
    this.#setTable(state);
    this.#openAnswers();
    const was = before.device === undefined ? undefined : before;
    if (was?.port !== state.port || was.local !== state.local) this.#openSocket(state);
    if (was?.device.name !== state.device.name) this.#openDevice(state);
    else if (was.device.mtu !== state.device.mtu) this.#bringUpIn(0);
  }

  /** The device stays. */
  close(): void {
    this.#closed = true;
    this.#closeAll();
  }

  #setTable({ port, local, tunnelAddress, routes, knownHosts }: TunnelState): void {
    const hosts = new Map<Ipv4Address, UdpHost>();
    const hostAt = (address: Ipv4Address) => {
      const host = hosts.get(address) ?? udpHost(address, port);
      hosts.set(address, host);
      return host;
    };
    this.#forwarder.setTable({
      routes: routes.map(([destination, host]) => [destination, hostAt(host)] as const),
      knownHosts,
      port,
      answersFrom: tunnelAddress ?? local,
    });
  }

  #openDevice({ device: { name } }: TunnelState): void {
    this.#device?.close();
    this.#device = new KeptOpen(this.#clock, {
      ...DEVICE_PAUSE,
      open: broke => {
        const device: TunDevice = this.#ports.openDevice({
          name,
          received: packet => this.#fromDevice(packet, device),
          failed: ({ message }) => broke(`${name} is gone, or cannot be read: ${message}`),
        });
        this.#bringUpIn(0);
        return device;
      },
      said: problem => this.#troubles.set('device', problem),
    });
  }

  #openSocket({ local, port }: TunnelState): void {
    this.#socket?.close();
    this.#socket = new KeptOpen(this.#clock, {
      ...SOCKET_PAUSE,
      open: broke => {
        try {
          const socket: UdpSocket = this.#ports.openSocket({
            address: local,
            port,
            received: (datagram, sender, senderPort) => this.#fromHosts(datagram, sender, senderPort, socket),
            failed: ({ message }) => broke(message),
          });
          return socket;
        } catch (error) {
          throw new Error(`${local}:${port}: ${this.#socketWords(error as NodeJS.ErrnoException, port)}`);
        }
      },
      said: problem => this.#troubles.set('socket', problem),
    });
  }

  #socketWords(error: NodeJS.ErrnoException, port: number): string {
    if (error.code === 'EADDRNOTAVAIL') return 'this host does not have the address';
    if (error.code !== 'EADDRINUSE') return error.message;
    const holder = this.#ports.portHolder(port);
    return holder === undefined
      ? 'the port is taken'
      : `the port is taken by ${holder.command} (pid ${holder.pid})`;
  }

  #openAnswers(): void {
    if (this.#answers !== undefined) return;
    try {
      this.#answers = this.#ports.openAnswers();
      this.#troubles.set('answers', '');
    } catch (error) {
      this.#troubles.set('answers', `no ICMP errors are sent: ${(error as Error).message}`);
    }
  }

  #fromDevice(first: Uint8Array, device: TunDevice): void {
    this.#forwarder.fromDevice(first, first.length);
    for (let i = 1; i < BURST; i++) {
      const length = device.read(this.#buffer);
      if (length < 0) return;
      this.#forwarder.fromDevice(this.#buffer, length);
    }
  }

  #fromHosts(first: Uint8Array, sender: number, senderPort: number, socket: UdpSocket): void {
    this.#forwarder.fromHost(first, first.length, sender, senderPort);
    for (let i = 1; i < BURST; i++) {
      const length = socket.receive(this.#buffer);
      if (length < 0) return;
      this.#forwarder.fromHost(this.#buffer, length, socket.sender, socket.senderPort);
    }
  }

  /** One at a time; asked for again meanwhile, or failed: once more in a second. */
  #bringUpIn(milliseconds: number): void {
    if (this.#closed || this.#bringUpTimer !== undefined) return;
    this.#bringUpTimer = this.#clock.schedule(this.#bringingUp ? BRING_UP_MS : milliseconds, () => {
      this.#bringUpTimer = undefined;
      void this.#bringUp();
    });
  }

  async #bringUp(): Promise<void> {
    const { device } = this.#state;
    if (device === undefined || this.#device?.current === undefined || this.#bringingUp) return;
    this.#bringingUp = true;
    const problem = await this.#ports.bringUp(device.name, device.mtu);
    this.#bringingUp = false;
    if (this.#closed || this.#state.device === undefined) return;
    this.#troubles.set('link', problem === '' ? '' : `${device.name}: ${problem}`);
    if (problem !== '') this.#bringUpIn(BRING_UP_MS);
  }

  #closeAll(): void {
    this.#bringUpTimer?.cancel();
    this.#bringUpTimer = undefined;
    this.#device?.close();
    this.#socket?.close();
    this.#answers?.close();
    this.#device = this.#socket = this.#answers = undefined;
    for (const subject of ['device', 'socket', 'link', 'answers']) this.#troubles.set(subject, '');
  }
}

const nothing = { device: undefined, port: undefined, routes: [] } as const;
