/** Real BIRD 2, FRR and GoBGP: several paths to a prefix both ways (RFC 7911), long messages (RFC 8654), IPv6 next hops (RFC 8950). */
import test from 'ava';
import { DAEMON, Meeting, OURS, SECOND } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const inside = { asns: { daemon: 64_512, ours: 64_512 }, port: 179 };
const shared = '10.244.9.0/24';

for (const peer of everyPeer) {
  test(`${peer.name}: ADD-PATH (RFC 7911) from us, its reflector: it holds our path and that of another`, async t => {
    t.timeout(180_000);
    const theirs = { extensions: ['add-path'] } as const;
    const more = { addPath: { receive: true, send: 4 } };
    const meeting = new Meeting(t, peer, { ...inside, reflector: 'ours', theirs, peer: more });
    const daemon = await meeting.startDaemon([]);
    const reflector = meeting.startOurs([shared, '10.244.1.0/24']);
    const other = meeting.startSecond([shared]);
    await comesToHold(t, () => daemon.routes(), [shared, '10.244.1.0/24']);
    const nextHops = async () => [...(await daemon.nextHops(shared))].sort().join();
    await becomes(t, 'both paths', async () => (await nextHops()) === `${OURS},${SECOND}`);
    other.withdraw(shared);
    await becomes(t, 'ours alone', async () => (await nextHops()) === OURS);
    other.announce(shared);
    await becomes(t, 'both paths again', async () => (await nextHops()) === `${OURS},${SECOND}`);
    reflector.withdraw(shared);
    await becomes(t, 'the other alone', async () => (await nextHops()) === SECOND);
    t.is((await reflector.status()).info, '');
  });

  test(`${peer.name}: ADD-PATH (RFC 7911) from it, our reflector: we hold its path and that of another`, async t => {
    t.timeout(180_000);
    const theirs = { extensions: ['add-path'] } as const;
    const more = { addPath: { receive: true, send: 4 } };
    const meeting = new Meeting(t, peer, { ...inside, reflector: 'daemon', theirs, peer: more });
    const daemon = await meeting.startDaemon([shared]);
    const one = meeting.startOurs([]);
    const two = meeting.startSecond([shared]);
    const nextHops = async () =>
      (await one.paths(shared))
        .map(({ nextHop }) => nextHop)
        .sort()
        .join();
    await becomes(t, 'both paths', async () => (await nextHops()) === `${DAEMON},${SECOND}`);
    const pathIds = (await one.paths(shared)).map(({ pathId }) => pathId);
    t.true(pathIds.every(pathId => pathId !== undefined) && pathIds[0] !== pathIds[1], `${pathIds}`);
    two.withdraw(shared);
    await becomes(t, 'its own alone', async () => (await nextHops()) === DAEMON);
    two.announce(shared);
    await becomes(t, 'both paths again', async () => (await nextHops()) === `${DAEMON},${SECOND}`);
    await daemon.withdraw(shared);
    await becomes(t, 'the other alone', async () => (await nextHops()) === SECOND);
    t.is((await one.status()).counters.treatedAsWithdraw, 0);
  });
}

const bird2 = everyPeer.find(({ name }) => name === 'bird2')!;

for (const peer of everyPeer.filter(({ name }) => name !== 'gobgp')) {
  test(`${peer.name}: extended messages (RFC 8654): attributes of more than 4096 octets arrive`, async t => {
    t.timeout(180_000);
    const theirs = { extensions: ['extended-messages'] } as const;
    const meeting = new Meeting(t, peer, { ...inside, theirs, peer: { extendedMessages: true } });
    const daemon = await meeting.startDaemon([]);
    const speaker = meeting.startOurs([]);
    const many = Array.from({ length: 1500 }, (_, i) => 64_512 * 65_536 + i);
    speaker.announceVia(OURS, many, shared);
    await comesToHold(t, () => daemon.routes(), [shared]);
    // BIRD's terminal shows the first of them; that the route is there says that the message was read.
    t.true((await daemon.attributes(shared))!.communities.length > 1);
    t.true((await speaker.status()).session?.capabilitiesReceived.includes('extended messages'));
  });
}

test('bird2: attributes of more than 4096 octets are kept from it where it takes no extended messages', async t => {
  t.timeout(180_000);
  const meeting = new Meeting(t, bird2, { ...inside, peer: { extendedMessages: true } });
  const daemon = await meeting.startDaemon([]);
  const speaker = meeting.startOurs(['10.244.1.0/24']);
  speaker.announceVia(
    OURS,
    Array.from({ length: 1500 }, (_, i) => 64_512 * 65_536 + i),
    shared,
  );
  await comesToHold(t, () => daemon.routes(), ['10.244.1.0/24']);
  await becomes(t, 'End-of-RIB', async () => (await speaker.status()).session?.endOfRibSent.length === 1);
  t.deepEqual([...(await daemon.routes()).keys()], ['10.244.1.0/24']);
  t.is((await speaker.status()).routes.advertised, 1);
});

test('bird2: an IPv4 prefix with an IPv6 next hop (RFC 8950) arrives', async t => {
  t.timeout(180_000);
  const theirs = { extensions: ['extended-next-hop'] } as const;
  const meeting = new Meeting(t, bird2, { ...inside, theirs, peer: { extendedNextHop: true } });
  const daemon = await meeting.startDaemon([]);
  const speaker = meeting.startOurs(['10.244.1.0/24']);
  speaker.announceVia('fd88::2', [], shared);
  await comesToHold(t, () => daemon.routes(), ['10.244.1.0/24', shared]);
  t.like(await daemon.attributes(shared), { nextHop: 'fd88::2' });
  t.like(await daemon.attributes('10.244.1.0/24'), { nextHop: OURS });
  speaker.withdraw(shared);
  await comesToHold(t, () => daemon.routes(), ['10.244.1.0/24']);
});
