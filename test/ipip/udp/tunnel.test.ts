/** The tunnel over a device and a socket that are pretended: what is opened when, and what becomes of the kernel's refusals. */
import test from 'ava';
import { FakeClock } from '../../../bgp/testing/fake-clock.js';
import { type Ipv4Address, ipv4ToNumber } from '../../../core/ip-address.js';
import type { Ipv4Prefix } from '../../../core/prefix.js';
import type { TunnelState } from '../../../ipip/udp/state.js';
import { TroubleList } from '../../../ipip/udp/trouble-list.js';
import { Tunnel, type TunnelPorts } from '../../../ipip/udp/tunnel.js';
import type { TunOptions } from '../../../linux/tun.js';
import type { UdpSocketOptions } from '../../../linux/udp-socket.js';
import { packet } from './packets.js';

const [EIO, EAGAIN, EMSGSIZE, EPERM, EHOSTUNREACH, ENOBUFS] = [5, 11, 90, 1, 113, 105];
const PEER = ipv4ToNumber('10.0.0.2' as Ipv4Address);

const state: TunnelState = {
  device: { name: 'margay.udp', mtu: 1472 },
  port: 8285,
  local: '10.0.0.1' as Ipv4Address,
  tunnelAddress: undefined,
  routes: [['10.244.2.0/24' as Ipv4Prefix, '10.0.0.2' as Ipv4Address]],
  knownHosts: ['10.0.0.2' as Ipv4Address],
};

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

class FakeKernel implements TunnelPorts {
  readonly log: string[] = [];
  /** What the next opens are refused with. */
  readonly deviceRefusals: Error[] = [];
  readonly socketRefusals: Error[] = [];
  linkProblem = '';
  holder: { readonly pid: number; readonly command: string } | undefined;
  sendResult: number | undefined;
  writeResult: number | undefined;
  /** Waiting behind the first one of a burst. */
  readonly waitingInDevice: Uint8Array[] = [];
  readonly waitingInSocket: Uint8Array[] = [];
  readonly sent: string[] = [];
  readonly written: number[] = [];
  readonly answers: Uint8Array[] = [];
  device: TunOptions | undefined;
  socket: UdpSocketOptions | undefined;

  openDevice(options: TunOptions) {
    this.log.push(`device ${options.name}`);
    const refusal = this.deviceRefusals.shift();
    if (refusal !== undefined) throw refusal;
    this.device = options;
    return {
      read: (into: Uint8Array) => take(this.waitingInDevice, into),
      write: (_: Uint8Array, length: number) => {
        if (this.writeResult === undefined) this.written.push(length);
        return this.writeResult ?? length;
      },
      close: () => this.log.push('device closed'),
    };
  }

  async bringUp(name: string, mtu: number) {
    this.log.push(`up ${name} ${mtu}`);
    return this.linkProblem;
  }

  openSocket(options: UdpSocketOptions) {
    this.log.push(`socket ${options.address}:${options.port}`);
    const refusal = this.socketRefusals.shift();
    if (refusal !== undefined) throw refusal;
    this.socket = options;
    const send = (how: string) => (_: Uint8Array, length: number, address: Uint8Array) => {
      if (how === 'whole' && this.sendResult !== undefined) return this.sendResult;
      const port = (address[2]! << 8) | address[3]!;
      this.sent.push(`${how} ${length} to ${address.subarray(4, 8).join('.')}:${port}`);
      return length;
    };
    return {
      receive: (into: Uint8Array) => take(this.waitingInSocket, into),
      sender: PEER,
      senderPort: 8285,
      send: send('whole'),
      sendInFragments: send('fragments'),
      close: () => this.log.push('socket closed'),
    };
  }

  portHolder() {
    return this.holder;
  }

  pathMtu() {
    return 1400;
  }

  openAnswers() {
    return {
      send: (bytes: Uint8Array) => {
        this.answers.push(bytes);
        return bytes.length;
      },
      close: () => {},
    };
  }
}

function take(waiting: Uint8Array[], into: Uint8Array): number {
  const next = waiting.shift();
  if (next === undefined) return -EAGAIN;
  into.set(next);
  return next.length;
}

function setUp() {
  const kernel = new FakeKernel();
  const clock = new FakeClock();
  const troubles = new TroubleList(
    () => clock.now(),
    () => {},
  );
  const tunnel = new Tunnel(kernel, clock, troubles);
  /** Promises settle between turns of the clock. */
  const advance = async (milliseconds: number) => {
    for (let i = 0; i < milliseconds; i += 10) {
      clock.advance(10);
      for (let j = 0; j < 4; j++) await Promise.resolve();
    }
  };
  return { kernel, clock, troubles, tunnel, advance };
}

test('a state opens device and socket and brings the device up; the same state again does nothing', async t => {
  const { kernel, tunnel, advance } = setUp();
  t.deepEqual(tunnel.open, { device: undefined, port: undefined, routes: 0 });
  tunnel.apply(state);
  await advance(10);
  t.deepEqual(kernel.log, ['socket 10.0.0.1:8285', 'device margay.udp', 'up margay.udp 1472']);
  t.deepEqual(tunnel.open, { device: 'margay.udp', port: 8285, routes: 1 });
  tunnel.apply({ ...state });
  tunnel.apply({ ...state, routes: [], knownHosts: [] });
  await advance(2000);
  t.is(kernel.log.length, 3);
  t.is(tunnel.open.routes, 0);
});

test('only what differs is touched', async t => {
  const { kernel, tunnel, advance } = setUp();
  tunnel.apply(state);
  await advance(10);
  const next = async (changed: Partial<TunnelState>) => {
    kernel.log.length = 0;
    tunnel.apply({ ...state, ...changed });
    await advance(10);
    return [...kernel.log];
  };
  t.deepEqual(await next({ device: { name: 'margay.udp', mtu: 1400 } }), ['up margay.udp 1400']);
  t.deepEqual(await next({ port: 8286 }), ['socket closed', 'socket 10.0.0.1:8286', 'up margay.udp 1472']);
  t.deepEqual(await next({ device: { name: 'other', mtu: 1472 } }), [
    ...['socket closed', 'socket 10.0.0.1:8285'],
    ...['device closed', 'device other', 'up other 1472'],
  ]);
});

test('an idle state closes everything; so does the end', async t => {
  const { kernel, tunnel, troubles, advance } = setUp();
  kernel.socketRefusals.push(coded('EADDRNOTAVAIL'));
  tunnel.apply(state);
  await advance(10);
  t.is(troubles.current.length, 1);
  tunnel.apply({ device: undefined });
  t.deepEqual(tunnel.open, { device: undefined, port: undefined, routes: 0 });
  t.deepEqual(troubles.current, []);
  kernel.log.length = 0;
  await advance(20_000);
  t.deepEqual(kernel.log, []);
  tunnel.apply(state);
  await advance(10);
  tunnel.close();
  await advance(20_000);
  t.deepEqual(kernel.log.slice(-2), ['device closed', 'socket closed']);
});

test('a taken port is tried again, and says whose it is', async t => {
  const { kernel, tunnel, troubles, advance } = setUp();
  kernel.socketRefusals.push(coded('EADDRINUSE'), coded('EADDRINUSE'));
  kernel.holder = { pid: 42, command: 'flanneld' };
  tunnel.apply(state);
  t.true(troubles.current[0]?.includes('10.0.0.1:8285') && troubles.current[0].includes('flanneld (pid 42)'));
  t.is(tunnel.open.port, undefined);
  // Meanwhile there is nothing to send with.
  kernel.device!.received(packet());
  t.is(tunnel.counters.errors, 1);
  await advance(600);
  t.deepEqual(troubles.current, []);
  t.is(tunnel.open.port, 8285);
});

test('a device that is refused, or goes, is there again within a second', async t => {
  const { kernel, tunnel, troubles, advance } = setUp();
  kernel.deviceRefusals.push(new Error('/dev/net/tun is not there'));
  tunnel.apply(state);
  t.deepEqual(troubles.current, ['device: /dev/net/tun is not there']);
  await advance(1000);
  t.is(tunnel.open.device, 'margay.udp');
  for (let i = 0; i < 10; i++) {
    kernel.log.length = 0;
    kernel.device!.failed({ code: '', message: 'EBADFD' });
    t.is(tunnel.open.device, undefined);
    await advance(1000);
    t.is(tunnel.open.device, 'margay.udp');
    t.deepEqual(kernel.log, ['device margay.udp', 'up margay.udp 1472']);
  }
  t.deepEqual(troubles.current, []);
});

test('a device that cannot be brought up, or is set down, is brought up again', async t => {
  const { kernel, tunnel, troubles, advance } = setUp();
  kernel.linkProblem = 'EPERM';
  tunnel.apply(state);
  await advance(10);
  t.deepEqual(troubles.current, ['link: margay.udp: EPERM']);
  kernel.linkProblem = '';
  await advance(1010);
  t.deepEqual(troubles.current, []);
  kernel.log.length = 0;
  kernel.writeResult = -EIO;
  for (let i = 0; i < 100; i++) kernel.socket!.received(packet(), PEER, 8285);
  await advance(1010);
  t.deepEqual(kernel.log, ['up margay.udp 1472']);
  t.is(tunnel.counters.errors, 100);
});

test('a burst is taken in one turn, and no more than 64 of it', t => {
  const { kernel, tunnel } = setUp();
  tunnel.apply(state);
  for (let i = 0; i < 100; i++) kernel.waitingInDevice.push(packet({ payload: new Uint8Array(i) }));
  kernel.device!.received(packet());
  t.is(tunnel.counters.out, 64);
  t.deepEqual(
    kernel.sent.slice(0, 3),
    [28, 20, 21].map(length => `whole ${length} to 10.0.0.2:8285`),
  );
  for (let i = 0; i < 100; i++) kernel.waitingInSocket.push(packet());
  kernel.socket!.received(packet(), PEER, 8285);
  t.is(tunnel.counters.in, 64);
});

for (const [errno, counter] of [
  [EAGAIN, 'droppedNoRoom'],
  [ENOBUFS, 'droppedNoRoom'],
  [EPERM, 'errors'],
  [EHOSTUNREACH, 'errors'],
] as const) {
  test(`a datagram that is refused with errno ${errno} counts as ${counter}`, t => {
    const { kernel, tunnel, troubles } = setUp();
    tunnel.apply(state);
    kernel.sendResult = -errno;
    kernel.device!.received(packet());
    t.is(tunnel.counters[counter], 1);
    t.is(troubles.last?.message.startsWith('to 10.0.0.2: E') ?? false, counter === 'errors');
    t.is(kernel.answers.length, errno === EHOSTUNREACH ? 1 : 0);
  });
}

test('a datagram that does not fit the path: an MTU less the encapsulation, or fragments', t => {
  const { kernel, tunnel } = setUp();
  tunnel.apply(state);
  kernel.sendResult = -EMSGSIZE;
  kernel.device!.received(packet({ dontFragment: true, payload: new Uint8Array(1452) }));
  t.is(new DataView(kernel.answers[0]!.buffer).getUint16(26), 1372);
  kernel.device!.received(packet({ payload: new Uint8Array(1452) }));
  t.deepEqual(kernel.sent, ['fragments 1472 to 10.0.0.2:8285']);
  t.is(tunnel.counters.droppedTooLong, 1);
  t.is(tunnel.counters.out, 1);
});

test('a packet that the device has no room for is dropped', t => {
  const { kernel, tunnel } = setUp();
  tunnel.apply(state);
  kernel.writeResult = -EAGAIN;
  kernel.socket!.received(packet(), PEER, 8285);
  t.is(tunnel.counters.droppedNoRoom, 1);
});
