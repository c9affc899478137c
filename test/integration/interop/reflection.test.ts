/** Real BIRD 2, FRR and GoBGP around a route reflector (RFC 4456): as clients of ours, and as the reflector of two speakers of ours. */
import test from 'ava';
import { DAEMON, Meeting, OURS, SECOND } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { COMMUNITY } from './our-speaker.js';
import { everyPeer } from './peers/every-peer.js';

const inside = { asns: { daemon: 64_512, ours: 64_512 }, port: 179 };
const theirs = ['192.168.1.0/24', '192.168.2.0/24'];
const first = ['10.244.1.0/24'];
const second = ['10.244.2.0/24', '10.244.3.0/24'];

for (const peer of everyPeer) {
  test(`${peer.name}: route reflection (RFC 4456) by us, with it as a client`, async t => {
    t.timeout(180_000);
    const meeting = new Meeting(t, peer, { ...inside, reflector: 'ours' });
    const daemon = await meeting.startDaemon(theirs);
    const reflector = meeting.startOurs(first);
    const client = meeting.startSecond(second);
    await comesToHold(t, () => daemon.routes(), [...first, ...second]);
    await comesToHold(t, () => client.routes(), [...first, ...theirs]);
    t.deepEqual(await daemon.attributes(second[0]!), {
      asPath: '',
      nextHop: SECOND,
      communities: [COMMUNITY],
      largeCommunities: [],
      originatorId: SECOND,
      clusterList: [OURS],
    });
    t.like(await daemon.attributes(first[0]!), { nextHop: OURS, originatorId: undefined, clusterList: [] });
    const told = (await client.routes()).get(theirs[0]!);
    t.like(told, { nextHop: DAEMON, originatorId: DAEMON, from: 'peer' });
    t.deepEqual(told?.clusterList, [OURS]);
    client.withdraw(second[1]!);
    await daemon.withdraw(theirs[1]!);
    await comesToHold(t, () => daemon.routes(), [...first, second[0]!]);
    await comesToHold(t, () => client.routes(), [...first, theirs[0]!]);
    t.is((await reflector.status()).counters.treatedAsWithdraw, 0);
    await client.kill();
    await comesToHold(t, () => daemon.routes(), first);
  });

  test(`${peer.name}: route reflection (RFC 4456) by it, with two of ours as its clients`, async t => {
    t.timeout(180_000);
    const meeting = new Meeting(t, peer, { ...inside, reflector: 'daemon' });
    const daemon = await meeting.startDaemon(theirs);
    const one = meeting.startOurs(first);
    const two = meeting.startSecond(second);
    await becomes(t, 'both sessions', async () => (await one.established()) && (await two.established()));
    await comesToHold(t, () => one.routes(), [...second, ...theirs]);
    await comesToHold(t, () => two.routes(), [...first, ...theirs]);
    const told = (await one.routes()).get(second[0]!);
    t.like(told, { nextHop: SECOND, originatorId: SECOND });
    t.deepEqual(told?.clusterList, [DAEMON]);
    two.withdraw(second[1]!);
    await comesToHold(t, () => one.routes(), [second[0]!, ...theirs]);
    t.is((await one.status()).counters.treatedAsWithdraw, 0);
    await daemon.stop();
    await comesToHold(t, () => one.routes(), []);
  });
}
