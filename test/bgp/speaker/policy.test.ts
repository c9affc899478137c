/** Policies between speakers in memory: what nobody asked for is held back, what changes is judged anew without a reset. */
import test from 'ava';
import type { PeerOptions, RoutePolicy } from '../../../bgp/index.js';
import { newWorld } from './memory.js';

function pair(a: Partial<PeerOptions>, b: Partial<PeerOptions>) {
  const world = newWorld();
  const left = world.speaker('10.0.0.1', 65001);
  const right = world.speaker('10.0.0.2', 65002);
  const addLeft = (options: Partial<PeerOptions>) =>
    left.addPeer({ address: '10.0.0.2', asn: 65002, localAddress: '10.0.0.1', ...options });
  const atLeft = addLeft(a);
  const atRight = right.addPeer({ address: '10.0.0.1', asn: 65001, localAddress: '10.0.0.2', ...b });
  left.announce('10.1.0.0/16', { communities: ['65001:1'] });
  right.announce('10.2.0.0/16', { communities: ['65002:2'] });
  world.clock.advance(20_000);
  return { world, left, right, atLeft, atRight, addLeft };
}

const everything: RoutePolicy = { rules: [], otherwise: 'accept' };
const open = { import: everything, export: everything };

test('between two ASes nothing passes in a direction without a policy, and the status says so (RFC 8212)', t => {
  const { world, left, right, atLeft, atRight, addLeft } = pair({}, open);
  t.is(atLeft.status().state, 'Established');
  t.is(atLeft.status().heldBack, 'both');
  t.regex(atLeft.status().info, /RFC 8212/);
  t.is(atRight.status().heldBack, undefined);
  t.is(atRight.status().info, '');
  t.is(left.routes({}).routes.length, 1);
  const held = left.routes({ prefix: '10.2.0.0/16', table: { kind: 'all-paths' } }).routes[0];
  t.regex(held?.policyRule ?? '', /RFC 8212/);
  t.is(right.routes({}).routes.length, 1);
  t.is(addLeft({ import: everything }).status().heldBack, 'export');
  world.clock.advance(1000);
  t.is(left.routes({}).routes.length, 2);
  t.is(right.routes({}).routes.length, 1);
  t.is(addLeft(open).status().heldBack, undefined);
  world.clock.advance(1000);
  t.is(right.routes({}).routes.length, 2);
  t.is(atRight.status().counters.established, 1);
});

test('a changed import policy is applied to what is known, and what was received stays visible', t => {
  const { world, left, addLeft, atLeft } = pair(open, open);
  const preferred: RoutePolicy = {
    rules: [
      {
        within: undefined,
        source: 'any',
        communities: ['65002:2'],
        action: 'accept',
        operations: [
          { kind: 'set-local-pref', value: 300 },
          { kind: 'add-communities', communities: ['65001:9'] },
        ],
        reason: 'filter of the test',
      },
    ],
    otherwise: 'reject',
  };
  addLeft({ ...open, import: preferred });
  world.clock.advance(1000);
  const routeIn = (table: Parameters<typeof left.routes>[0]['table']) =>
    left.routes({ table: table!, prefix: '10.2.0.0/16' }).routes[0]!;
  t.like(routeIn({ kind: 'best' }), {
    localPref: 300,
    communities: ['65002:2', '65001:9'],
    policyRule: 'filter of the test',
  });
  t.like(routeIn({ kind: 'received', peer: '10.0.0.2 179' }), {
    localPref: undefined,
    communities: ['65002:2'],
  });
  addLeft({ ...open, import: { rules: [], otherwise: 'reject' } });
  world.clock.advance(1000);
  t.is(left.routes({}).routes.length, 1);
  t.is(routeIn({ kind: 'received', peer: '10.0.0.2 179' }).reason, 'import-policy');
  t.is(atLeft.status().counters.established, 1);
});

test('a function may change what it accepts', t => {
  const { right } = pair(
    {
      ...open,
      export: ({ communities }) =>
        communities.includes('65001:1') ? [{ kind: 'set-med', value: 50 }] : 'reject',
    },
    open,
  );
  t.is(right.routes({ prefix: '10.1.0.0/16' }).routes[0]?.med, 50);
});

test('a peer that is going is used last, and still used (RFC 8326)', t => {
  const { world, right, addLeft } = pair(open, open);
  addLeft({ ...open, gracefulShutdown: true });
  world.clock.advance(1000);
  t.like(right.routes({ prefix: '10.1.0.0/16' }).routes[0], {
    best: true,
    localPref: 0,
    communities: ['65001:1', '65535:0'],
  });
});
