import test from 'ava';
import type { Prefix } from '../../core/prefix.js';
import {
  acceptPlan,
  dropsPods,
  parseForwardChain,
  poolRules,
  removalPlan,
} from '../../ipip/forward-policy.js';

const pools = ['10.244.0.0/16', '10.96.0.0/16'] as Prefix[];
const jump = '-A FORWARD -m comment --comment "margay:accept-forwarding" -j margay-forward';
const own = ['-N margay-forward', ...poolRules(pools)].join('\n');
const input = (...lines: string[]) => ['*filter', ...lines, 'COMMIT', ''].join('\n');

test('a chain that drops by policy and has no rule of ours drops pods’ packets', t => {
  t.true(dropsPods(parseForwardChain('-P FORWARD DROP\n', undefined)));
  t.true(dropsPods(parseForwardChain('-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n', undefined)));
  t.false(dropsPods(parseForwardChain(`-P FORWARD DROP\n${jump}\n`, own)));
  t.false(dropsPods(parseForwardChain('-P FORWARD ACCEPT\n', undefined)));
});

test('packets from and to the pools are accepted', t => {
  t.deepEqual(poolRules(pools), [
    '-A margay-forward -s 10.244.0.0/16 -j ACCEPT',
    '-A margay-forward -d 10.244.0.0/16 -j ACCEPT',
    '-A margay-forward -s 10.96.0.0/16 -j ACCEPT',
    '-A margay-forward -d 10.96.0.0/16 -j ACCEPT',
  ]);
});

test('where packets may be dropped, one rule in front jumps to a chain with the pools', t => {
  const plan = input(
    ':margay-forward - [0:0]',
    ...poolRules(pools),
    '-I FORWARD 1 -m comment --comment "margay:accept-forwarding" -j margay-forward',
  );
  t.is(acceptPlan(parseForwardChain('-P FORWARD DROP\n', undefined), pools), plan);
  t.is(acceptPlan(parseForwardChain('-P FORWARD ACCEPT\n-A FORWARD -j REJECT\n', undefined), pools), plan);
});

test('rules that ask policy come before, and are no filter of others', t => {
  const hook = (hash: string, target: string) => `-A FORWARD -m comment --comment "mgy:${hash}" -j ${target}`;
  const asked = [hook('a', 'mgy-FORWARD'), hook('b', 'mgy-x').replaceAll('"', '')].join('\n');
  const ours = parseForwardChain(`-P FORWARD ACCEPT\n${asked}\n`, undefined);
  t.is(acceptPlan(ours, pools), undefined);
  const docker = parseForwardChain(`-P FORWARD DROP\n${asked}\n-A FORWARD -j DOCKER-USER\n`, undefined);
  t.regex(acceptPlan(docker, pools)!, /^-I FORWARD 3 /m);
  t.false(dropsPods(docker), 'what policy lets through it accepts');
  const displaced = parseForwardChain(`-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n${asked}\n`, undefined);
  t.regex(acceptPlan(displaced, pools)!, /^-I FORWARD 1 /m);
});

test('where nothing filters nothing is written, and what was written before is taken away', t => {
  t.is(acceptPlan(parseForwardChain('-P FORWARD ACCEPT\n', undefined), pools), undefined);
  t.is(
    acceptPlan(parseForwardChain(`-P FORWARD ACCEPT\n${jump}\n`, own), pools),
    input(`-D${jump.slice(2)}`, '-F margay-forward', '-X margay-forward'),
  );
});

test('what is right is left alone, wherever other programs have put their rules', t => {
  const forward = `-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n${jump}\n`;
  t.is(acceptPlan(parseForwardChain(forward, own), pools), undefined);
  t.is(acceptPlan(parseForwardChain(forward, own), pools.toReversed()), undefined);
});

test('other pools, a chain that was emptied or a second jump are mended', t => {
  const forward = `-P FORWARD DROP\n${jump}\n`;
  const [first] = pools;
  t.is(
    acceptPlan(parseForwardChain(forward, own), [first!]),
    input(':margay-forward - [0:0]', ...poolRules([first!])),
  );
  t.is(
    acceptPlan(parseForwardChain(forward, '-N margay-forward'), [first!]),
    input(':margay-forward - [0:0]', ...poolRules([first!])),
  );
  t.is(
    acceptPlan(parseForwardChain(`${forward}${jump}\n`, own), pools),
    input(':margay-forward - [0:0]', ...poolRules(pools), `-D${jump.slice(2)}`),
  );
});

test('cleanup takes away what is there and no more', t => {
  t.is(removalPlan(parseForwardChain('-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n', undefined)), undefined);
  t.is(
    removalPlan(parseForwardChain('-P FORWARD DROP\n', '-N margay-forward')),
    input('-F margay-forward', '-X margay-forward'),
  );
});
