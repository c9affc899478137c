import test from 'ava';
import { type BestRoutes, createSpeaker, OptionError } from '../../../bgp/index.js';
import { FakeClock, MemoryNetwork } from '../../../bgp/testing/index.js';
import type { IpAddress } from '../../../core/ip-address.js';

const identity = { asn: 64512, routerId: '10.0.0.1' };

function speakerInMemory() {
  const clock = new FakeClock();
  const transport = new MemoryNetwork(clock).host('10.0.0.1' as IpAddress);
  return { speaker: createSpeaker(identity, { transport, clock }), clock };
}

/** Whatever JavaScript may pass, said with the option's name. */
const refusedSpeakers: readonly (readonly [string, object])[] = [
  ['asn', { asn: 0 }],
  ['asn', { asn: 1.5 }],
  ['routerId', { routerId: undefined }],
  ['routerId', { routerId: '0.0.0.0' }],
  ['clusterId', { clusterId: '0.0.0.0' }],
  ['clusterId', { clusterId: 7 }],
  ['listen.address', { listen: {} }],
  ['listen.port', { listen: { address: '127.0.0.1', port: 65536 } }],
  ['listen[1].address', { listen: [{ address: '127.0.0.1' }, { address: 'localhost' }] }],
  ['gracefulRestart.restartTimeSeconds', { gracefulRestart: { restartTimeSeconds: 4096 } }],
  ['gracefulRestart.staleTimeSeconds', { gracefulRestart: { staleTimeSeconds: -1 } }],
];

for (const [field, options] of refusedSpeakers) {
  test(`a speaker with ${JSON.stringify(options)} is refused for its ${field}`, t => {
    const error = t.throws(() => createSpeaker({ ...identity, ...options } as never), {
      instanceOf: OptionError,
    });
    t.is(error.field, field);
  });
}

const refusedPeers: readonly (readonly [string, object])[] = [
  ['address', { address: undefined }],
  ['asn', { asn: null }],
  ['families', { families: ['ipv4'] }],
  ['families', { families: [] }],
  ['nextHop', { nextHop: 'mine' }],
  ['holdTimeSeconds', { holdTimeSeconds: 2 }],
  ['routeReflectorClient', { routeReflectorClient: 'yes' }],
  ['addPath', { addPath: true }],
  ['addPath.receive', { addPath: { receive: 1 } }],
  ['addPath.send', { addPath: { send: 33 } }],
  ['extendedNextHop', { extendedNextHop: 'ipv6' }],
  ['extendedMessages', { extendedMessages: 65535 }],
  ['interface', { interface: 'a name of more than 15' }],
  ['import', { import: 'accept' }],
  ['export', { export: {} }],
];

for (const [field, options] of refusedPeers) {
  test(`a peer with such ${field} as ${String(Object.values(options)[0])} is refused, and not added`, t => {
    const { speaker } = speakerInMemory();
    const error = t.throws(() => speaker.addPeer({ address: '10.0.0.2', asn: 64512, ...options } as never), {
      instanceOf: OptionError,
    });
    t.is(error.field, field);
    t.deepEqual(speaker.peers(), []);
  });
}

const refusedRoutes: readonly (readonly [string, object])[] = [
  ['nextHop', { nextHop: 'fe80::1' }],
  ['nextHop', { nextHop: 5 }],
  ['communities', { communities: [-1] }],
  ['communities', { communities: [4294967296] }],
  ['communities', { communities: ['65536:1'] }],
  ['communities', { communities: ['1:'] }],
  ['largeCommunities', { largeCommunities: [[1, 2]] }],
  ['largeCommunities', { largeCommunities: [[1, 2, -3]] }],
  ['localPref', { localPref: -1 }],
  ['med', { med: 1.5 }],
];

for (const [field, options] of refusedRoutes) {
  test(`a route with ${JSON.stringify(options)} is refused for its ${field}`, t => {
    const { speaker, clock } = speakerInMemory();
    const error = t.throws(() => speaker.announce('10.244.1.0/24', options as never), {
      instanceOf: OptionError,
    });
    t.is(error.field, field);
    clock.advance(1000);
    t.deepEqual(speaker.routes({}).routes, []);
  });
}

test('communities are texts or 32-bit numbers', t => {
  const { speaker, clock } = speakerInMemory();
  speaker.announce('10.244.1.0/24', { communities: ['65535:65535', 0xffffff01] });
  clock.advance(1000);
  t.deepEqual(speaker.routes({}).routes[0]?.communities, ['65535:65535', '65535:65281']);
});

test('a page of routes holds 1 to 1000', t => {
  const { speaker } = speakerInMemory();
  for (const limit of [0, 1001, 1.5, Number.NaN]) {
    t.is(t.throws(() => speaker.routes({ limit }), { instanceOf: OptionError }).field, 'limit');
  }
});

test('a speaker listens in several places', async t => {
  const clock = new FakeClock();
  const transport = new MemoryNetwork(clock).host('10.0.0.1' as IpAddress);
  const listen = [
    { address: '10.0.0.1', port: 179 },
    { address: '10.0.0.1', port: 1179 },
  ];
  const speaker = createSpeaker({ ...identity, listen }, { transport, clock });
  const listening = speaker.listening();
  clock.advance(1);
  t.deepEqual(await listening, { kind: 'listening', endpoints: listen });
});

test('a second reader of best routes ends the first', async t => {
  const { speaker, clock } = speakerInMemory();
  const read = (routes: AsyncIterator<BestRoutes>) => {
    const step = routes.next();
    clock.advance(1000);
    return step;
  };
  const first = speaker.bestRoutes()[Symbol.asyncIterator]();
  t.false((await read(first)).done);
  const waiting = first.next();
  const second = speaker.bestRoutes()[Symbol.asyncIterator]();
  t.false((await read(second)).done);
  t.true((await waiting).done);
  await speaker.close();
});
