/** Prefixes of one family on a session between addresses of the other: what is not told for want of a next hop is said. */
import test from 'ava';
import { createSpeaker, type PeerOptions } from '../../../bgp/index.js';
import { familiesWithoutNextHop, noNextHopWords } from '../../../bgp/speaker/next-hop-family.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { acceptAll, join, newWorld } from './memory.js';

const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
const WORDS = 'prefixes are not told';

function pair(more: Partial<PeerOptions> = {}, over: 'ipv4' | 'ipv6' = 'ipv4') {
  const world = newWorld();
  const speaker = (host: number, asn: number) => {
    if (over === 'ipv4') return world.speaker(`10.0.0.${host}`, asn);
    const address = `fd00::${host}`;
    return createSpeaker(
      { asn, routerId: `10.0.0.${host}`, listen: { address } },
      {
        transport: world.network.host(address as IpAddress),
        clock: world.clock,
        random: () => 0.5,
        unixMs: () => world.clock.now(),
      },
    );
  };
  const [left, right] = [speaker(1, 65001), speaker(2, 65002)];
  const addresses = over === 'ipv4' ? { a: '10.0.0.1', b: '10.0.0.2' } : { a: 'fd00::1', b: 'fd00::2' };
  const [atLeft, atRight] = join(left, right, {
    ...addresses,
    asA: 65001,
    asB: 65002,
    more: { ...both, ...more },
  });
  world.clock.advance(20_000);
  const said = () => world.logs.filter(line => line.includes(WORDS)).length;
  return { world, left, right, atLeft, atRight, said };
}

test('IPv6 prefixes over IPv4 that have no next hop are said by the peer that is not told them, and logged once', t => {
  const { world, left, right, atLeft, atRight, said } = pair();
  left.announce('10.1.0.0/16');
  left.announce('fd10::/32', { nextHop: 'fd00::1' });
  world.clock.advance(1000);
  t.is(atLeft.status().state, 'Established');
  t.is(atLeft.status().withoutNextHop, undefined);
  t.is(atLeft.status().info, '');
  left.announce('fd20::/32');
  left.announce('fd21::/32');
  world.clock.advance(1000);
  t.deepEqual(atLeft.status().withoutNextHop, ['ipv6-unicast']);
  t.not(atLeft.status().info, '');
  t.is(atRight.status().withoutNextHop, undefined);
  t.deepEqual(
    right.routes({ family: 'ipv6-unicast' }).routes.map(({ prefix }) => `${prefix}`),
    ['fd10::/32'],
  );
  left.withdraw('fd20::/32');
  world.clock.advance(1000);
  t.deepEqual(atLeft.status().withoutNextHop, ['ipv6-unicast']);
  left.withdraw('fd21::/32');
  world.clock.advance(1000);
  t.is(atLeft.status().withoutNextHop, undefined);
  left.announce('fd20::/32');
  world.clock.advance(1000);
  t.deepEqual(atLeft.status().withoutNextHop, ['ipv6-unicast']);
  t.is(said(), 1);
  // What mends it.
  left.announce('fd20::/32', { nextHop: 'fd00::1' });
  world.clock.advance(1000);
  t.is(atLeft.status().withoutNextHop, undefined);
  t.is(right.routes({ family: 'ipv6-unicast' }).routes.length, 2);
});

test('what comes last to a large table is said soon after', t => {
  const { world, left, right, atLeft } = pair();
  // Its own, which it does not miss.
  right.announce('fd01::/32', { nextHop: 'fd00::2' });
  for (let i = 0; i < 0x8000; i++) left.announce(`fd10:${i.toString(16)}::/32`, { nextHop: 'fd00::1' });
  world.clock.advance(1000);
  t.is(atLeft.status().withoutNextHop, undefined);
  left.announce('fd20::/32');
  world.clock.advance(1000);
  t.deepEqual(atLeft.status().withoutNextHop, ['ipv6-unicast']);
  left.withdraw('fd20::/32');
  world.clock.advance(1000);
  t.is(atLeft.status().withoutNextHop, undefined);
});

test("a peer's own routes are not missed by it, and neither is what a policy keeps back", t => {
  const { world, left, right, atLeft, atRight } = pair({}, 'ipv4');
  // External, so that our own end would be the next hop towards whoever is told.
  right.announce('fd20::/32', { nextHop: 'fd00::2' });
  world.clock.advance(1000);
  t.is(left.routes({ family: 'ipv6-unicast' }).routes.length, 1);
  t.is(atLeft.status().withoutNextHop, undefined);
  const third = world.speaker('10.0.0.3', 65003);
  const [toThird] = join(left, third, { a: '10.0.0.1', b: '10.0.0.3', asA: 65001, asB: 65003, more: both });
  world.clock.advance(20_000);
  t.deepEqual(toThird.status().withoutNextHop, ['ipv6-unicast']);
  t.is(atLeft.status().withoutNextHop, undefined);
  const silent = { ...acceptAll, export: { rules: [], otherwise: 'reject' } } as const;
  left.addPeer({ address: '10.0.0.3', asn: 65003, localAddress: '10.0.0.1', ...both, ...silent });
  world.clock.advance(1000);
  t.is(toThird.status().withoutNextHop, undefined);
  t.is(atRight.status().withoutNextHop, undefined);
});

test('IPv4 prefixes over IPv6 are said unless both ends have RFC 8950', t => {
  for (const extendedNextHop of [false, true]) {
    const { world, left, right, atLeft } = pair({ extendedNextHop }, 'ipv6');
    left.announce('10.1.0.0/16');
    left.announce('fd20::/32');
    world.clock.advance(1000);
    t.is(atLeft.status().state, 'Established');
    t.deepEqual(atLeft.status().withoutNextHop, extendedNextHop ? undefined : ['ipv4-unicast']);
    t.is(right.routes({}).routes.length, extendedNextHop ? 1 : 0);
    t.is(right.routes({ family: 'ipv6-unicast' }).routes.length, 1);
  }
});

test('each family has words of what would mend it, a session of one family none', t => {
  const session = (localAddress: string, families: readonly string[], extendedNextHop = false) =>
    familiesWithoutNextHop({ localAddress: localAddress as IpAddress, families, extendedNextHop } as never);
  t.deepEqual(session('10.0.0.1', ['ipv4-unicast']), []);
  t.deepEqual(session('fd00::1', ['ipv6-unicast']), []);
  t.deepEqual(session('10.0.0.1', both.families, true), ['ipv6-unicast']);
  t.deepEqual(session('fd00::1', both.families), ['ipv4-unicast']);
  t.deepEqual(session('fd00::1', both.families, true), []);
  t.is(noNextHopWords([], '10.0.0.1' as IpAddress), '');
  t.regex(noNextHopWords(['ipv6-unicast'], '10.0.0.1' as IpAddress), /10\.0\.0\.1.*over IPv6.*IPv6 next hop/);
  t.regex(noNextHopWords(['ipv4-unicast'], 'fd00::1' as IpAddress), /fd00::1.*over IPv4.*extendedNextHop/);
});
