/** A station that does not read: what it costs, and what becomes of it. */
import test from 'ava';
import { BmpStation } from '../../../bgp/bmp/station.js';
import type { WalkedPath } from '../../../bgp/rib/contract.js';
import type { Connection, ConnectionHandler, DialHandler } from '../../../bgp/speaker/transport.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { prefixOf } from '../../../core/prefix.js';

const PREFIXES = 100_000;

/** A table of that many prefixes from one peer, and a socket that takes what it is told to. */
function slowWorld() {
  const clock = new FakeClock();
  const written: number[] = [];
  const state = { takes: true, dials: 0, destroyed: 0, walked: 0 };
  let handler: ConnectionHandler | undefined;
  const connection = {
    start: (given: ConnectionHandler) => {
      handler = given;
    },
    write: (bytes: Uint8Array) => {
      written.push(bytes.length);
      return state.takes;
    },
    destroy: () => state.destroyed++,
    end: () => {},
  } as unknown as Connection;
  const open = new Uint8Array(29);
  const peer = {
    config: { key: 'b', address: '10.0.0.2' as IpAddress },
    negotiated: {
      remoteAsn: 65002,
      remoteRouterId: '10.0.0.2' as Ipv4Address,
      fourOctetAs: true,
      families: ['ipv4-unicast'],
    },
    opens: { sent: open, received: open },
  };
  const session = { localAddress: '10.0.0.1', localPort: 179, remotePort: 40000 };
  const path: WalkedPath = {
    source: 'b',
    attributes: { origin: 0, asPath: [], nextHop: 1 },
    accepted: undefined,
    number: 1,
    pathId: undefined,
    stale: false,
  };
  const station = new BmpStation(
    {
      clock,
      transport: {
        dial: (_target: unknown, dialled: DialHandler) => {
          state.dials++;
          clock.schedule(0, () => dialled.connected(connection));
          return () => {};
        },
      },
      rib: {
        walk: (
          family: string,
          from: number,
          limit: number,
          visit: (prefix: Prefix, paths: WalkedPath[]) => void,
        ) => {
          if (family !== 'ipv4-unicast') return undefined;
          const end = Math.min(PREFIXES, from + limit);
          for (let i = from; i < end; i++)
            visit(prefixOf(`10.${(i >> 8) & 255}.${i & 255}.0` as IpAddress, 24), [path]);
          state.walked = end;
          return end < PREFIXES ? end : undefined;
        },
      },
      unixMs: () => clock.now(),
      random: () => 0.5,
      establishedPeers: () => [{ peer, connection: session }],
      treatedAsWithdraw: () => 0,
      bmpChanged: () => {},
    } as never,
    { address: '10.0.9.9' as IpAddress, port: 11019, sysName: 'a', sysDescr: '', adjRibIn: 'pre-policy' },
  );
  const update = new Uint8Array(4096).fill(0xff, 0, 16);
  update[18] = 2;
  return {
    clock,
    station,
    state,
    written,
    say: () => station.messageReceived(peer as never, connection, update, 0, update.length),
    drain: () => handler?.drained(),
  };
}

test('the table waits for the socket, and goes on where it stood', t => {
  const { clock, station, state, drain, written } = slowWorld();
  state.takes = false;
  clock.advance(1000);
  const stood = state.walked;
  t.true(stood < PREFIXES / 10, `${stood} prefixes`);
  clock.advance(60_000);
  t.is(state.walked, stood);
  state.takes = true;
  drain();
  clock.advance(1000);
  t.is(state.walked, PREFIXES);
  t.is(station.status.state, 'in-sync');
  t.is(state.dials, 1);
  t.true(written.every(bytes => bytes > 0));
});

test('one that leaves 64 MB unread is cut off, says so, and is dialled again with nothing left over', t => {
  const { clock, station, state, say } = slowWorld();
  clock.advance(1000);
  t.is(station.status.state, 'in-sync');
  state.takes = false;
  for (let i = 0; i < 20_000 && state.destroyed === 0; i++) {
    say();
    if (i % 10 === 0) clock.advance(1);
  }
  t.is(state.destroyed, 1);
  t.like(station.status, { state: 'waiting' });
  t.regex(station.status.detail, /too slowly/);
  state.takes = true;
  clock.advance(2000);
  t.is(state.dials, 2);
  t.is(station.status.state, 'in-sync');
});
