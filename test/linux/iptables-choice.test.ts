import test from 'ava';
import { usageOf, type VariantUsage, variantsToTry } from '../../linux/iptables-choice.js';

const nft = 'nft';
const legacy = 'legacy';

test('a variant is used if it holds rules or drops by policy, ours aside', t => {
  t.is(usageOf(''), 'empty');
  t.is(usageOf('*filter\n:INPUT ACCEPT [0:0]\n:margay-input - [0:0]\nCOMMIT\n'), 'empty');
  const ours =
    '-A INPUT -m comment --comment "margay:tunnel-guard" -j margay-input\n-A margay-input -p 4 -j DROP\n';
  t.is(usageOf(ours), 'empty');
  const policy =
    '-A FORWARD -m comment --comment "mgy:0123" -m mark --mark 0x1/0x1 -j ACCEPT\n-A mgy-INPUT -j DROP\n';
  t.is(usageOf(policy), 'empty');
  t.is(usageOf(`${ours}-A INPUT -j DOCKER\n`), 'used');
  t.is(usageOf('*filter\n:INPUT DROP [0:0]\nCOMMIT\n'), 'used');
});

test('what the host uses is used, and nothing else; where it uses nothing, what takes rules, nft first', t => {
  const table: readonly [VariantUsage, VariantUsage, readonly string[]][] = [
    ['used', 'used', [nft]],
    ['used', 'empty', [nft]],
    ['empty', 'used', [legacy]],
    ['unusable', 'used', [legacy]],
    ['missing', 'used', [legacy]],
    ['empty', 'empty', [nft, legacy]],
    ['unusable', 'empty', [legacy, nft]],
    ['empty', 'missing', [nft]],
    ['missing', 'empty', [legacy]],
    ['unusable', 'missing', [nft]],
    ['missing', 'missing', []],
  ];
  for (const [ofNft, ofLegacy, expected] of table)
    t.deepEqual(variantsToTry({ nft: ofNft, legacy: ofLegacy }), expected, `${ofNft}, ${ofLegacy}`);
});
