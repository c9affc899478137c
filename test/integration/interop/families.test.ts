/** Sessions over IPv6 with BIRD 2, FRR and GoBGP: IPv6 unicast (RFC 4760, RFC 2545), and IPv4 prefixes by IPv6 next hops (RFC 8950). */
import test from 'ava';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { prefixOf } from '../../../core/prefix.js';
import { DAEMON_V6, Meeting, OURS_V6, relations } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { COMMUNITY } from './our-speaker.js';
import { everyPeer } from './peers/every-peer.js';

const ours = ['2001:db8:244::/64', '2001:db8:244:1::/64', '2001:db8:244:2::/64'];
const theirs = ['2001:db8:192::/64', '2001:db8:192:1::/64'];
const ours4 = ['10.244.0.0/24', '10.244.1.0/24'];
const theirs4 = ['192.168.0.0/24', '192.168.1.0/24'];

const OUR_LINK_LOCAL = 'fe80::88:2';
const OTHER_LINK_LOCAL = 'fe80::88:22';

/** As the agent says of a peer in the subnet of this host. */
function onLink(linkLocalAddress: string | undefined): Partial<PeerConfig> {
  return {
    families: ['ipv6-unicast'],
    sharedSubnets: [prefixOf(OURS_V6 as IpAddress, 64)],
    linkLocalAddress: linkLocalAddress as IpAddress | undefined,
  };
}

for (const peer of everyPeer) {
  for (const { name, asns, port } of relations) {
    test(`${peer.name} ${name}: IPv6 unicast: routes and withdrawals both ways`, async t => {
      t.timeout(120_000);
      const meeting = new Meeting(t, peer, { asns, port, overIpv6: ['ipv6-unicast'] });
      const daemon = await meeting.startDaemon(theirs);
      const speaker = meeting.startOurs(ours);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      const external = asns.daemon !== asns.ours;
      t.deepEqual(await daemon.attributes(ours[0]!), {
        asPath: external ? `${asns.ours}` : '',
        nextHop: OURS_V6,
        communities: [COMMUNITY],
        largeCommunities: [],
        originatorId: undefined,
        clusterList: [],
      });
      t.like((await speaker.routes()).get(theirs[0]!), {
        asPath: external ? `${asns.daemon}` : '',
        nextHop: DAEMON_V6,
        usable: true,
      });
      speaker.withdraw(ours[1]!);
      await daemon.withdraw(theirs[1]!);
      await comesToHold(t, () => daemon.routes(), ours.toSpliced(1, 1));
      await comesToHold(t, () => speaker.routes(), [theirs[0]!]);
      speaker.announce(ours[1]!);
      await daemon.announce(theirs[1]!);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      t.is((await speaker.status()).counters.treatedAsWithdraw, 0);
    });
  }

  test(`${peer.name}: our link-local next hop beside the global one, on a common link, with its routes and as it changes`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, {
      ...relations[1]!,
      overIpv6: ['ipv6-unicast'],
      // FRR takes a link-local next hop on an interface that it knows, which takes zebra.
      theirs: { kernelRoutes: true },
      peer: onLink(OUR_LINK_LOCAL),
    });
    const daemon = await meeting.startDaemon(theirs);
    const speaker = meeting.startOurs(ours);
    await comesToHold(t, () => daemon.routes(), ours);
    await comesToHold(t, () => speaker.routes(), theirs);
    const becomesBoth = async (prefix: string, linkLocal: string | undefined) => {
      const both = linkLocal === undefined || !peer.showsLinkLocals ? [OURS_V6] : [OURS_V6, linkLocal];
      const told = async () => (await daemon.bothNextHops(prefix)).join(' ');
      await becomes(t, both.join(' '), async () => (await told()) === both.join(' '));
    };
    await becomesBoth(ours[0]!, OUR_LINK_LOCAL);
    speaker.change(onLink(OTHER_LINK_LOCAL));
    await becomesBoth(ours[2]!, OTHER_LINK_LOCAL);
    speaker.change(onLink(undefined));
    await becomesBoth(ours[1]!, undefined);
    await comesToHold(t, () => daemon.routes(), ours);
    t.is((await speaker.status()).counters.established, 1);
  });

  test(`${peer.name}: IPv4 prefixes with IPv6 next hops (RFC 8950) both ways, beside IPv6 in one session`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, {
      ...relations[1]!,
      overIpv6: ['ipv4-unicast', 'ipv6-unicast'],
      theirs: { extensions: ['extended-next-hop'] },
      peer: { extendedNextHop: true },
    });
    const daemon = await meeting.startDaemon([...theirs, ...theirs4]);
    const speaker = meeting.startOurs([...ours, ...ours4]);
    await comesToHold(t, () => daemon.routes(), [...ours, ...ours4]);
    await comesToHold(t, () => speaker.routes(), [...theirs, ...theirs4]);
    t.like(await daemon.attributes(ours4[0]!), { nextHop: OURS_V6 });
    t.like((await speaker.routes()).get(theirs4[0]!), { nextHop: DAEMON_V6, usable: true });
    speaker.withdraw(ours4[0]!);
    await daemon.withdraw(theirs4[1]!);
    await comesToHold(t, () => daemon.routes(), [...ours, ours4[1]!]);
    await comesToHold(t, () => speaker.routes(), [...theirs, theirs4[0]!]);
    await becomes(t, 'End-of-RIB of both', async () => {
      const { session } = await speaker.status();
      return session?.endOfRibSent.length === 2;
    });
    t.is((await speaker.status()).counters.established, 1);
  });
}
