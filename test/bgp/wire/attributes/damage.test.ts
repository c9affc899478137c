/**
 * RFC 7606 as a matrix: each attribute, each kind of damage to value, flags, number and length, from an internal and from an external
 * peer.
 */
import test from 'ava';
import { decodeAttributes } from '../../../../bgp/wire/attributes/codec.js';
import { attributeTable } from '../../../../bgp/wire/attributes/table.js';
import { hex } from '../../../support/hex.js';
import {
  attributeDamages,
  attributeNames,
  holdsRoutes,
  intact,
  internalOnly,
  oldSpeakers,
} from '../../../vectors/attribute-damages.js';

function attribute(flags: string, type: string, value: string): Uint8Array {
  const octets = value.replaceAll(/\s/g, '').length / 2;
  return hex(`${flags} ${type} ${octets.toString(16).padStart(2, '0')} ${value}`);
}

function outcomeOf(bytes: Uint8Array, ibgp: boolean, asOctets: 2 | 4 = 4) {
  const { problems, disposition } = decodeAttributes(bytes, 0, bytes.length, {
    fourOctetAs: asOctets === 4,
    ibgp,
  });
  return { outcome: disposition ?? 'kept', problems };
}

test('the matrix has every attribute of the table, and the table every one of the matrix', t => {
  t.deepEqual(attributeTable.map(({ name }) => name).toSorted(), attributeNames.toSorted());
  for (const name of attributeNames) {
    t.true(
      attributeDamages.some(damage => damage.attribute === name),
      name,
    );
  }
});

for (const { attribute: name, section, value, damage, ibgp, ebgp, subcode, asOctets } of attributeDamages) {
  const [flags, type] = intact[name];
  const reference = section.startsWith('RFC') ? section : `RFC 7606 section ${section}`;

  test(`${name} with ${damage}${asOctets === 2 ? ' from an old speaker' : ''} (${reference})`, t => {
    const bytes = attribute(flags, type, value);
    for (const internal of [true, false]) {
      const expected = internal ? ibgp : (ebgp ?? ibgp);
      const { outcome, problems } = outcomeOf(bytes, internal, asOctets);
      t.is(outcome, expected, internal ? 'iBGP' : 'eBGP');
      if (expected === 'kept') continue;
      t.is(problems.length, 1);
      t.is(problems[0]!.type, Number.parseInt(type, 16));
      // The NOTIFICATION, should it come to one, carries the attribute (RFC 4271 section 6.3).
      t.deepEqual(problems[0]!.data, bytes);
      if (expected === ibgp) t.is(problems[0]!.subcode, subcode);
    }
  });
}

for (const name of attributeNames) {
  const [flags, type, value] = intact[name];
  const asOctets = oldSpeakers.includes(name) ? 2 : 4;

  test(`${name} intact is kept, from outside only where it belongs there`, t => {
    const bytes = attribute(flags, type, value);
    t.is(outcomeOf(bytes, true, asOctets).outcome, 'kept');
    const outside = internalOnly.includes(name) ? 'attribute-discard' : 'kept';
    t.is(outcomeOf(bytes, false, asOctets).outcome, outside);
  });

  test(`${name} with other Optional and Transitive bits (RFC 7606 sections 3 c and 5.3)`, t => {
    for (const other of ['00', '40', '80', 'c0']) {
      if (other === flags) continue;
      const { outcome, problems } = outcomeOf(attribute(other, type, value), true, asOctets);
      t.is(outcome, holdsRoutes.includes(name) ? 'session-reset' : 'treat-as-withdraw', other);
      t.is(problems[0]!.subcode, holdsRoutes.includes(name) ? 9 : 4);
    }
  });

  test(`${name} with Partial and the unused bits is kept (RFC 7606 section 3 c)`, t => {
    const other = (Number.parseInt(flags, 16) | 0x2f).toString(16);
    t.is(outcomeOf(attribute(other, type, value), true, asOctets).outcome, 'kept');
  });

  test(`${name} twice (RFC 7606 section 3 g)`, t => {
    const bytes = attribute(flags, type, value);
    const { outcome, problems } = outcomeOf(Uint8Array.of(...bytes, ...bytes), true, asOctets);
    t.is(outcome, holdsRoutes.includes(name) ? 'session-reset' : 'attribute-discard');
    t.deepEqual([problems.length, problems[0]!.subcode, problems[0]!.data.length], [1, 1, 0]);
  });

  test(`${name} cut off at every octet (RFC 7606 section 4)`, t => {
    const bytes = attribute(flags, type, value);
    const expected = holdsRoutes.includes(name) ? 'session-reset' : 'treat-as-withdraw';
    for (let length = 1; length < bytes.length; length++) {
      const { outcome, problems } = outcomeOf(bytes.subarray(0, length), true, asOctets);
      // Of one octet not even the type is there.
      t.is(outcome, length === 1 ? 'treat-as-withdraw' : expected, `${length} octets`);
      t.is(problems.length, 1);
    }
  });
}

for (const name of oldSpeakers) {
  test(`${name} from a peer with 4-octet AS numbers is discarded (RFC 6793 section 4.1)`, t => {
    const [flags, type, value] = intact[name];
    t.is(outcomeOf(attribute(flags, type, value), true, 4).outcome, 'attribute-discard');
  });
}
