/**
 * What the RIB alone costs, in this process and without sockets: nanoseconds of CPU per prefix for each stage, cold first and
 * then warm. `node dist/bench/rib.js [prefixes] [part of a name]`. For the speaker as a whole see `npm run bench`.
 */
import type { Rib, RibPeer } from '../bgp/rib/contract.js';
import { ribPolicyDefaults } from '../bgp/rib/defaults.js';
import { createRib } from '../bgp/rib/rib.js';
import { plainForms } from '../bgp/speaker/defaults.js';
import { encodeUpdate, type PathAttributes } from '../bgp/wire/index.js';
import type { Asn } from '../core/asn.js';
import type { IpAddress, Ipv4Address } from '../core/ip-address.js';

const count = Number(process.argv[2] ?? 500_000);

function peer(key: string, asn: number, address: string): RibPeer {
  return {
    key,
    asn: asn as Asn,
    localAsn: 64512 as Asn,
    remoteRouterId: address as Ipv4Address,
    address: address as IpAddress,
    localAddress: '10.0.0.254' as IpAddress,
    families: ['ipv4-unicast'],
    fourOctetAs: true,
    role: undefined,
    ...plainForms,
    ...ribPolicyDefaults,
    takesLongLived: false,
  };
}

function attributesOf(set: number): PathAttributes {
  return {
    origin: 0,
    asPath: [{ type: 'sequence', asns: [65001, 65100, 100_000 + set] }],
    nextHop: 0xc0000201,
    communities: [0xfde80064, 0xfde80065],
  };
}

const context = { fourOctetAs: true, ibgp: false };
const FIRST = 0x0b000000;

interface Stream {
  /** As a socket reads them, and where each message ends. */
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

/** UPDATEs of `perUpdate` /24s each, written straight into one buffer: half a million objects would be half a million to mark. */
function stream(perUpdate: number, headOf: (message: number) => Uint8Array, withdrawn: boolean): Stream {
  const messages = Math.ceil(count / perUpdate);
  const tail = withdrawn ? 2 : 0;
  const bytes = new Uint8Array(messages * (headOf(0).length + tail) + 4 * count);
  const ends = new Int32Array(messages);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let message = 0, i = 0; message < messages; message++) {
    const start = at;
    const head = headOf(message);
    bytes.set(head, at);
    at += head.length;
    for (const last = Math.min(count, i + perUpdate); i < last; i++, at += 4) {
      view.setInt32(at, (24 << 24) | ((FIRST + 256 * i) >>> 8));
    }
    if (withdrawn) view.setUint16(start + 19, at - start - 21);
    at += tail;
    view.setUint16(start + 16, at - start);
    ends[message] = at;
  }
  return { bytes, ends };
}

function announcements(perUpdate: number, sets = 1): Stream {
  const head = (set: number) =>
    encodeUpdate({ withdrawn: [], announced: [], attributes: attributesOf(set) }, context);
  const first = head(0);
  return stream(perUpdate, message => (sets === 1 ? first : head(message % sets)), false);
}

function withdrawals(perUpdate: number): Stream {
  const head = encodeUpdate({ withdrawn: [], announced: [], attributes: {} }, context).subarray(0, 21);
  return stream(perUpdate, () => head, true);
}

function timed(name: string, per: number, work: () => void): void {
  const before = process.cpuUsage();
  const started = process.hrtime.bigint();
  work();
  const wall = Number(process.hrtime.bigint() - started);
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) * 1000;
  console.log(
    `  ${name.padEnd(44)} ${(wall / per).toFixed(1).padStart(8)} ns  cpu ${(cpu / per).toFixed(1).padStart(8)} ns`,
  );
}

function feed(rib: Rib, index: number, { bytes, ends }: Stream, flushEvery: number): void {
  const step = flushEvery > 0 ? flushEvery : ends.length;
  let start = 0;
  for (let i = 0; i < ends.length; i += step) {
    const end = ends[Math.min(i + step, ends.length) - 1]!;
    const { outcome } = rib.receiveUpdates(index, bytes, start, end);
    if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome));
    start = end;
    if (flushEvery > 0) rib.flush();
  }
}

function drain(rib: Rib, index: number): number {
  let bytes = 0;
  for (let chunk = rib.takeOutput(index); chunk !== undefined; chunk = rib.takeOutput(index))
    bytes += chunk.length;
  return bytes;
}

const packed = announcements(1000);
const single = announcements(1);
const distinct = announcements(5, count);
const withdrawPacked = withdrawals(1000);
const withdrawSingle = withdrawals(1);

const only = process.argv[3] ?? '';
const ROUNDS = Number(process.env.ROUNDS ?? 3);

function rounds(name: string, work: () => void): void {
  if (!name.includes(only)) return;
  for (let round = 0; round < ROUNDS; round++) {
    console.log(`${name}, round ${round + 1}`);
    work();
  }
}

const fresh = () => createRib({ asn: 64512 as Asn, routerId: '10.0.0.254' as Ipv4Address });
const megabytes = () => process.memoryUsage().rss / 1e6;

rounds('packed, no client', () => {
  const rss = megabytes();
  const rib = fresh();
  const source = rib.peerUp(peer('a', 65001, '10.0.0.1'));
  timed('parse to RIB', count, () => feed(rib, source, packed, 0));
  timed('flush', count, () => rib.flush());
  console.log(`  RSS growth ${(megabytes() - rss).toFixed(1)} MB`);
  timed('announced again', count, () => feed(rib, source, packed, 0));
  timed('withdraw', count, () => feed(rib, source, withdrawPacked, 0));
  timed('flush', count, () => rib.flush());
});
rounds('packed, one client, flush every 64 messages', () => {
  const rib = fresh();
  const source = rib.peerUp(peer('a', 65001, '10.0.0.1'));
  const client = rib.peerUp(peer('b', 65002, '10.0.0.2'));
  drain(rib, client);
  timed('in, flush and out', count, () => {
    feed(rib, source, packed, 64);
    rib.flush();
    drain(rib, client);
  });
  timed('withdraw all, flush and out', count, () => {
    feed(rib, source, withdrawPacked, 64);
    rib.flush();
    drain(rib, client);
  });
});
rounds('one per UPDATE, one client, flush every 1024 messages', () => {
  const rib = fresh();
  const source = rib.peerUp(peer('a', 65001, '10.0.0.1'));
  const client = rib.peerUp(peer('b', 65002, '10.0.0.2'));
  drain(rib, client);
  timed('in, flush and out', count, () => {
    feed(rib, source, single, 1024);
    rib.flush();
    drain(rib, client);
  });
  timed('withdraw all, flush and out', count, () => {
    feed(rib, source, withdrawSingle, 1024);
    rib.flush();
    drain(rib, client);
  });
});
rounds('distinct attributes, 5 prefixes each', () => {
  const rib = fresh();
  const source = rib.peerUp(peer('a', 65001, '10.0.0.1'));
  const client = rib.peerUp(peer('b', 65002, '10.0.0.2'));
  drain(rib, client);
  timed('in, per block', count / 5, () => feed(rib, source, distinct, 0));
  timed('flush and out, per block', count / 5, () => {
    rib.flush();
    drain(rib, client);
  });
});
rounds('churn: one prefix, 20 clients, flush each', () => {
  const rib = fresh();
  const source = rib.peerUp(peer('a', 65001, '10.0.0.1'));
  const clients = Array.from({ length: 20 }, (_, i) => rib.peerUp(peer(`c${i}`, 65010 + i, `10.0.1.${i}`)));
  for (const client of clients) drain(rib, client);
  const events = 20_000;
  timed('announce, flush and out, per event', events, () => {
    let start = 0;
    for (let i = 0; i < events; i++) {
      rib.receiveUpdates(source, single.bytes, start, single.ends[i]!);
      start = single.ends[i]!;
      rib.flush();
      for (const client of clients) drain(rib, client);
    }
  });
});
rounds('full table', () => {
  const rib = fresh();
  const source = rib.peerUp(peer('a', 65001, '10.0.0.1'));
  feed(rib, source, packed, 64);
  rib.flush();
  timed('best routes to the consumer', count, () => {
    rib.takeBestRoutes('ipv4-unicast', true);
    while (rib.takeBestRoutes('ipv4-unicast', false) !== undefined);
  });
  timed('a client joins and reads it', count, () => {
    drain(rib, rib.peerUp(peer('b', 65002, '10.0.0.2')));
  });
  timed('source goes and flush', count, () => {
    rib.peerDown(source, 'flush');
    rib.flush();
  });
});
