/** decode ∘ encode is the identity, and encoding is stable, for anything that can be said. */
import { deepEqual, equal } from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import type { PathAttributes } from '../../../bgp/wire/attributes/attributes.js';
import { decodeAttributes, encodeAttributes } from '../../../bgp/wire/attributes/codec.js';
import { decodeNlri, encodeNlri } from '../../../bgp/wire/nlri.js';
import { decodeOpen, encodeOpen } from '../../../bgp/wire/open.js';
import { decodeUpdate, encodeUpdate } from '../../../bgp/wire/update.js';
import { Writer } from '../../../bgp/wire/writer.js';
import { prefixLength } from '../../../core/prefix.js';
import { ipv4Prefix, ipv6Prefix, open, pathAttributes } from '../../support/wire-arbitraries.js';

const contexts = [
  ['a 4-octet AS peer inside', { fourOctetAs: true, ibgp: true }],
  ['a 4-octet AS peer outside', { fourOctetAs: true, ibgp: false }],
  ['a 2-octet AS peer inside', { fourOctetAs: false, ibgp: true }],
  ['a 2-octet AS peer outside', { fourOctetAs: false, ibgp: false }],
] as const;

/** Unknown attributes come back with Partial set. */
function received(attributes: PathAttributes): PathAttributes {
  if (attributes.unknown === undefined) return attributes;
  const unknown = attributes.unknown.map(each => {
    return { ...each, flags: each.flags | 0x20 | (each.value.length > 255 ? 0x10 : 0) };
  });
  return { ...attributes, unknown };
}

test('any OPEN comes back as it went', t => {
  fc.assert(
    fc.property(open, value => {
      const bytes = encodeOpen(value);
      deepEqual(decodeOpen(bytes, 0, bytes.length), value);
    }),
  );
  t.pass();
});

for (const [name, context] of contexts) {
  test(`any attributes come back as they went, to ${name}`, t => {
    fc.assert(
      fc.property(pathAttributes(context), attributes => {
        const bytes = encodeAttributes(attributes, context);
        const decoded = decodeAttributes(bytes, 0, bytes.length, context);
        deepEqual(decoded, { attributes: received(attributes), problems: [], disposition: undefined });
        deepEqual(encodeAttributes(decoded.attributes, context), bytes);
      }),
      { numRuns: 300 },
    );
    t.pass();
  });

  test(`any UPDATE comes back as it went, to ${name}`, t => {
    const routes = fc.array(ipv4Prefix, { maxLength: 20 });
    fc.assert(
      fc.property(pathAttributes(context), routes, routes, (some, withdrawn, announced) => {
        const mandatory = { origin: 0, asPath: [], nextHop: 0x0a000001 };
        const attributes = { ...mandatory, ...(context.ibgp ? { localPref: 100 } : {}), ...some };
        const bytes = encodeUpdate({ withdrawn, announced, attributes }, context);
        deepEqual(decodeUpdate(bytes, 0, bytes.length, context), {
          withdrawn,
          announced,
          attributes: received(attributes),
          problems: [],
          disposition: undefined,
        });
      }),
    );
    t.pass();
  });
}

for (const [family, prefix] of [
  ['ipv4', ipv4Prefix],
  ['ipv6', ipv6Prefix],
] as const) {
  test(`any ${family} prefixes come back as they went`, t => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 30 }), prefixes => {
        const writer = new Writer();
        encodeNlri(writer, prefixes);
        const bytes = writer.finish();
        deepEqual(decodeNlri(family, bytes, 0, bytes.length), prefixes);
        const octets = prefixes.map(each => 1 + Math.ceil(prefixLength(each) / 8));
        equal(
          bytes.length,
          octets.reduce((sum, each) => sum + each, 0),
        );
      }),
    );
    t.pass();
  });
}
