/**
 * Damaged messages by the thousand (`MARGAY_FUZZ_MESSAGES`, by default 20 000): whatever they are, the decoders end with a message, a
 * disposition or a `BgpMessageError`. `MARGAY_FUZZ_SEED` repeats a run.
 */
import test from 'ava';
import type { AttributeContext } from '../../../bgp/wire/attributes/entry.js';
import { type Decoder, decodeAny } from '../../support/decode-any.js';
import { toHex } from '../../support/hex.js';
import { nearlyMessage } from '../../support/message-mutator.js';
import { Random } from '../../support/random.js';

const count = Number(process.env.MARGAY_FUZZ_MESSAGES ?? 20_000);
const runSeed = Number(process.env.MARGAY_FUZZ_SEED ?? Date.now() % 4294967296);

const contexts: readonly AttributeContext[] = [
  { fourOctetAs: true, ibgp: true },
  { fourOctetAs: true, ibgp: false },
  { fourOctetAs: false, ibgp: true },
  { fourOctetAs: false, ibgp: false },
];

interface Findings {
  /** How often each outcome came. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** The first message on which a decoder threw something else. */
  readonly escaped: string | undefined;
}

function fuzz(decode: Decoder, messages: number, seed: number): Findings {
  const random = new Random(seed);
  const outcomes = new Map<string, number>();
  for (let i = 0; i < messages; i++) {
    const message = nearlyMessage(random);
    try {
      const outcome = decode(message, contexts[i & 3]!);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      return { outcomes, escaped: `${error} at message ${i}, seed ${seed}: ${toHex(message)}` };
    }
  }
  return { outcomes, escaped: undefined };
}

test('nothing but messages, dispositions and BgpMessageErrors comes out of damaged messages', t => {
  t.log(`${count} messages, seed ${runSeed}`);
  const started = performance.now();
  const { outcomes, escaped } = fuzz(decodeAny, count, runSeed);
  t.is(escaped, undefined);
  const listed = [...outcomes].sort((a, b) => b[1] - a[1]).map(([outcome, times]) => `${times} ${outcome}`);
  t.log(`${Math.round((performance.now() - started) / 100) / 10} s: ${listed.join(', ')}`);
});

/** A fuzz that reaches only the header proves nothing. */
const reached = [
  ...[1, 2, 3, 4, 5].map(type => `decoded ${type}`),
  'attribute-discard',
  'treat-as-withdraw',
  'incomplete',
  ...[
    '1/1',
    '1/2',
    '1/3',
    '2/0',
    '2/1',
    '2/4',
    '3/1',
    '3/2',
    '3/4',
    '3/5',
    '3/6',
    '3/9',
    '3/10',
    '3/11',
    '7/1',
  ].map(code => `error ${code}`),
];

test('the damage reaches every decoder and nearly every error there is', t => {
  const { outcomes } = fuzz(decodeAny, 20_000, 1);
  t.deepEqual(
    reached.filter(outcome => !outcomes.has(outcome)),
    [],
  );
});

/** Decoders with a fault of their own, in places of increasing depth. */
const planted: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
  'a header that says OPEN with 29 octets': bytes => bytes[18] === 1 && bytes[17] === 29 && bytes[19] === 4,
  'an attribute of an odd length behind COMMUNITIES': bytes => {
    const at = Buffer.from(bytes).indexOf('c008', 0, 'hex');
    return bytes[18] === 2 && at > 22 && (bytes[at + 2]! & 1) === 1;
  },
  'a prefix of 33 bits at the end of an UPDATE': bytes => bytes[18] === 2 && bytes.at(-5) === 33,
};

for (const [name, isFaulty] of Object.entries(planted)) {
  test(`the fuzz goes red on a decoder that trips over ${name}`, t => {
    const { escaped } = fuzz(
      (bytes, context) => {
        if (isFaulty(bytes)) throw new TypeError('Cannot read properties of undefined');
        return decodeAny(bytes, context);
      },
      20_000,
      1,
    );
    t.regex(escaped ?? 'nothing found', /^TypeError: .* at message \d+, seed \d+: [0-9a-f]+$/);
  });
}
