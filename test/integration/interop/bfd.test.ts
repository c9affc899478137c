/**
 * Real BIRD 2 and FRR bfdd as the other end of BFD sessions of ours, with a switch in between, so that a cut on one side is silent on
 * the other:
 *
 *     daemon 10.88.0.1/24, lo 198.51.100.1, 2001:db8::1 --- switch --- 10.88.0.2/24, lo 198.51.100.2, 2001:db8::2 ours
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadDaemons } from '../../../bench/daemons/programs.js';
import type { BfdSessionConfig } from '../../../bgp/bfd/contract.js';
import { encodeControlPacket } from '../../../bgp/bfd/control-packet.js';
import { BfdState } from '../../../bgp/bfd/registry.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { eventually } from '../../support/eventually.js';
import { toHex } from '../../support/hex.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import type { BfdDaemon, RunningBfd } from './bfd/bfd-daemon.js';
import { bird2Bfd } from './bfd/bird2.js';
import { frrBfd } from './bfd/frr.js';
import { OurBfd } from './bfd/our-bfd.js';

const daemons = await loadDaemons();

interface Way {
  readonly name: string;
  readonly theirs: string;
  readonly ours: string;
  readonly session: Partial<BfdSessionConfig>;
}

const oneHop: Way = {
  name: 'one hop',
  theirs: '10.88.0.1',
  ours: '10.88.0.2',
  session: { localAddress: '10.88.0.2' as IpAddress, interface: 'eth0' },
};
const ways: readonly Way[] = [
  oneHop,
  {
    name: 'several hops',
    theirs: '198.51.100.1',
    ours: '198.51.100.2',
    session: { localAddress: '198.51.100.2' as IpAddress, multihop: true },
  },
  {
    name: 'one hop of IPv6',
    theirs: '2001:db8:1::1',
    ours: '2001:db8:1::2',
    session: { localAddress: undefined },
  },
  {
    name: 'one hop between link-local addresses',
    theirs: 'fe80::1',
    ours: 'fe80::2',
    session: { localAddress: 'fe80::2' as IpAddress, interface: 'eth0' },
  },
  {
    name: 'several hops of IPv6',
    theirs: '2001:db8::1',
    ours: '2001:db8::2',
    session: { localAddress: '2001:db8::2' as IpAddress, multihop: true },
  },
];

class Scene {
  readonly theirs: NetworkNamespace;
  readonly middle: NetworkNamespace;
  readonly ours: NetworkNamespace;
  readonly bfd: OurBfd;
  readonly #way: Way;
  readonly #daemon: BfdDaemon;
  readonly #directory: string;

  constructor(t: ExecutionContext, daemon: BfdDaemon, way: Way) {
    this.#way = way;
    this.#daemon = daemon;
    [this.theirs, this.middle, this.ours] = [makeNamespace(t), makeNamespace(t), makeNamespace(t)];
    this.#directory = mkdtempSync(path(tmpdir(), 'mgy-bfd-'));
    this.middle.ip('link add br0 type bridge mcast_snooping 0');
    for (const [end, port, i] of [
      [this.theirs, 'port1', 1],
      [this.ours, 'port2', 2],
    ] as const) {
      join(this.middle, port, end, 'eth0');
      this.middle.ip(`link set ${port} master br0`);
      const other = 3 - i;
      end.ipBatch([
        `address add 10.88.0.${i}/24 dev eth0`,
        `address add 198.51.100.${i}/32 dev lo`,
        `route add 198.51.100.${other}/32 via 10.88.0.${other}`,
        `address add fe80::${i}/64 dev eth0 nodad`,
        `address add 2001:db8:1::${i}/64 dev eth0 nodad`,
        `address add 2001:db8::${i}/128 dev lo nodad`,
        `route add 2001:db8::${other}/128 via 2001:db8:1::${other}`,
      ]);
    }
    this.middle.ip('link set br0 up');
    this.bfd = new OurBfd({ networkNamespace: this.ours.name, directory: this.#directory });
    t.teardown(async () => {
      await this.bfd.kill();
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  async startDaemon(t: ExecutionContext): Promise<RunningBfd> {
    const running = await this.#daemon.start({
      networkNamespace: this.theirs.name,
      directory: this.#directory,
      address: this.#way.theirs,
      peer: this.#way.ours,
      interfaceName: 'eth0',
      multihop: this.#way.session.multihop ?? false,
    });
    t.teardown(() => running.kill());
    return running;
  }

  set(more: Partial<BfdSessionConfig> = {}): void {
    this.bfd.set({ address: this.#way.theirs as IpAddress, ...this.#way.session, ...more });
  }

  /** Both ends up, and the timers agreed on. */
  async up(t: ExecutionContext): Promise<RunningBfd> {
    const daemon = await this.startDaemon(t);
    this.set();
    t.true(await this.becomes('up'), JSON.stringify(await this.bfd.view()));
    t.true(await eventually(() => daemon.up(), 5000, 50), 'the daemon is up');
    t.true(
      await eventually(async () => {
        const { polling, detectionTimeMs } = await this.bfd.session();
        return !polling && detectionTimeMs === 900;
      }),
    );
    return daemon;
  }

  becomes(verdict: string): Promise<boolean> {
    return eventually(async () => (await this.bfd.session()).verdict === verdict, 10_000, 20);
  }

  /**
   * Milliseconds until ours is down, by the clock of ours. A busy machine takes its time over `act`, which did what it does at any moment
   * of it.
   */
  async timeToDown(act: () => unknown): Promise<{ readonly fromBegin: number; readonly fromEnd: number }> {
    const begin = Date.now();
    await act();
    const end = Date.now();
    await this.becomes('down');
    const { sinceUnixMs } = await this.bfd.session();
    return { fromBegin: sinceUnixMs - begin, fromEnd: sinceUnixMs - end };
  }
}

/** What a loaded machine may add to a detection time; the sessions' own is 900 ms. */
const MARGIN_MS = 300;

for (const daemon of [bird2Bfd(daemons), frrBfd(daemons)]) {
  for (const way of ways) {
    test(`${daemon.name}: BFD over ${way.name} comes up, and a silent cut is noticed within its detection time`, async t => {
      const scene = new Scene(t, daemon, way);
      await scene.up(t);
      const { flaps, localAddress } = await scene.bfd.session();
      t.is(flaps, 0);
      t.is(localAddress, way.ours as IpAddress);
      const { fromBegin, fromEnd } = await scene.timeToDown(() => scene.middle.ip('link set port1 down'));
      t.log(`noticed after ${Math.round(fromEnd)} ms`);
      t.true(fromBegin >= 400 && fromEnd <= 900 + MARGIN_MS, `${fromBegin} ms, ${fromEnd} ms`);
      t.is((await scene.bfd.session()).diagnostic.code, 1);
      scene.middle.ip('link set port1 up');
      t.true(await scene.becomes('up'));
    });
  }

  test(`${daemon.name}: BFD timers change on either side while the session is up, by Poll and Final`, async t => {
    const scene = new Scene(t, daemon, oneHop);
    const theirs = await scene.up(t);
    scene.set({ minTxMs: 100, minRxMs: 100, multiplier: 5 });
    await theirs.change({ intervalMs: 100, multiplier: 4 });
    t.true(
      await eventually(async () => {
        const { polling, transmitIntervalMs, detectionTimeMs } = await scene.bfd.session();
        return !polling && transmitIntervalMs === 100 && detectionTimeMs === 400;
      }, 10_000),
      JSON.stringify(await scene.bfd.session()),
    );
    t.true(await eventually(async () => (await theirs.remoteMultiplier()) === 5, 5000, 50));
    t.is(await theirs.intervalMs(), 100);
    await theirs.change({ intervalMs: 1000, multiplier: 3 });
    t.true(await eventually(async () => (await scene.bfd.session()).detectionTimeMs === 3000, 10_000));
    scene.set({ minTxMs: 2000, minRxMs: 1500 });
    t.true(await eventually(async () => (await scene.bfd.session()).detectionTimeMs === 4500, 10_000));
    t.true(await theirs.up());
    const { flaps, state } = await scene.bfd.session();
    t.deepEqual({ flaps, state }, { flaps: 0, state: 'Up' });
  });

  test(`${daemon.name}: BFD packets with a wrong TTL or a wrong discriminator change nothing, and are counted`, async t => {
    const scene = new Scene(t, daemon, oneHop);
    await scene.up(t);
    const { localDiscriminator, remote } = await scene.bfd.session();
    const lie = {
      diagnostic: 7,
      state: BfdState.adminDown,
      poll: false,
      final: false,
      controlPlaneIndependent: false,
      demand: false,
      detectMultiplier: 3,
      myDiscriminator: remote!.discriminator,
      yourDiscriminator: localDiscriminator,
      desiredMinTxUs: 300_000,
      requiredMinRxUs: 300_000,
      requiredMinEchoRxUs: 0,
    };
    send(scene, 64, encodeControlPacket(lie));
    send(scene, 254, encodeControlPacket(lie));
    send(scene, 255, encodeControlPacket({ ...lie, yourDiscriminator: localDiscriminator ^ 1 }));
    send(scene, 255, encodeControlPacket(lie).subarray(0, 23));
    t.true(
      await eventually(async () => {
        const { wrongTtl, strangers, malformed } = (await scene.bfd.view()).discarded;
        return wrongTtl === 2 && strangers === 1 && malformed === 1;
      }),
      JSON.stringify((await scene.bfd.view()).discarded),
    );
    t.like(await scene.bfd.session(), { verdict: 'up', flaps: 0 });
    // The same with the right TTL is believed: the test can fail.
    send(scene, 255, encodeControlPacket(lie));
    t.true(await eventually(() => scene.bfd.heard.some(({ verdict }) => verdict === 'admin-down')));
  });

  test(`${daemon.name}: BFD AdminDown of ours is told, and the session comes back`, async t => {
    const scene = new Scene(t, daemon, oneHop);
    const theirs = await scene.up(t);
    scene.set({ administrativeState: 'down' });
    t.true(await eventually(async () => !(await theirs.up()), 700, 20));
    t.is((await scene.bfd.session()).verdict, 'admin-down');
    scene.set();
    t.true(await scene.becomes('up'));
    t.true(await eventually(() => theirs.up(), 5000, 50));
    t.is(scene.bfd.heard.filter(({ verdict }) => verdict === 'down').length, 0);
  });

  if (daemon.saysAdminDown) {
    test(`${daemon.name}: BFD AdminDown of the peer is no failure of the path`, async t => {
      const scene = new Scene(t, daemon, oneHop);
      const theirs = await scene.up(t);
      await theirs.adminDown();
      t.true(await scene.becomes('admin-down'));
      t.is(scene.bfd.heard.filter(({ verdict }) => verdict === 'down').length, 0);
    });
  }

  test(`${daemon.name}: BFD of a peer that is killed is down in time, and up again with its successor`, async t => {
    const scene = new Scene(t, daemon, oneHop);
    const theirs = await scene.up(t);
    const { fromEnd } = await scene.timeToDown(() => theirs.kill());
    t.true(fromEnd <= 900 + MARGIN_MS, `${fromEnd} ms`);
    await scene.startDaemon(t);
    t.true(await scene.becomes('up'));
  });

  test(`${daemon.name}: BFD of ours that closes says AdminDown before the peer's detection time is over`, async t => {
    const scene = new Scene(t, daemon, oneHop);
    const theirs = await scene.up(t);
    const closed = scene.bfd.close();
    t.true(await eventually(async () => !(await theirs.up()), 600, 20));
    await closed;
  });
}

/** As a program on the daemon's host, or far behind it, could. */
function send(scene: Scene, ttl: number, bytes: Uint8Array): void {
  const script = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.bind(0, '${oneHop.theirs}', () => {
      socket.setTTL(${ttl});
      socket.send(Buffer.from('${toHex(bytes)}', 'hex'), 3784, '${oneHop.ours}', () => socket.close());
    });`;
  scene.theirs.run(process.execPath, '-e', script);
}
