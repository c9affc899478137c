/**
 * BGP messages that nearly are: valid ones, and UPDATEs put together from valid attributes, each damaged a little and then, more
 * often than not, given lengths that add up again, so that the damage comes past the framer.
 */
import { attributeVectors } from '../vectors/attributes.js';
import { capabilityVectors } from '../vectors/capabilities.js';
import { keepalive, notificationVectors, openVectors, routeRefreshVectors } from '../vectors/messages.js';
import { updateVectors } from '../vectors/updates.js';
import { hex } from './hex.js';
import type { Random } from './random.js';

const whole: readonly Uint8Array[] = [
  ...[openVectors, notificationVectors, routeRefreshVectors, updateVectors].flatMap(vectors =>
    vectors.map(({ bytes }) => bytes),
  ),
  keepalive,
];
const attributes: readonly Uint8Array[] = attributeVectors.map(({ bytes }) => bytes);
const capabilities: readonly Uint8Array[] = capabilityVectors.map(({ bytes }) => bytes);
const nlri = ['00', '080a', '0cac10', '180af401', '200af40203'].map(hex);
/** ORIGIN, AS_PATH, NEXT_HOP and LOCAL_PREF, with 4- and 2-octet AS numbers: what a message needs to announce something. */
const mandatory = ['40020602010000fde9', '4002040201fde9'].map(path =>
  hex(`40010100 ${path} 4003040a000001 40050400000064`),
);
/** Octets that lengths and flags go wrong with. */
const telling = [0, 1, 2, 3, 4, 8, 0x10, 0x1f, 0x20, 0x40, 0x7f, 0x80, 0xc0, 0xe0, 0xfe, 0xff];
const marker = new Uint8Array(16).fill(0xff);

/** A message of any kind, damaged or not. */
export function nearlyMessage(random: Random): Uint8Array {
  const message = valid(random);
  const damages = random.below(4);
  let damaged = message;
  for (let i = 0; i < damages; i++) damaged = damage(damaged, random);
  return random.below(4) === 0 ? damaged : withLengths(damaged, random);
}

function valid(random: Random): Uint8Array {
  switch (random.below(4)) {
    case 0:
      return random.pick(whole);
    case 1: {
      const parameter = some(capabilities, 5, random);
      const head = Uint8Array.of(
        4,
        0xfd,
        0xe8,
        0,
        90,
        10,
        0,
        0,
        1,
        parameter.length + 2,
        2,
        parameter.length,
      );
      return message(1, Buffer.concat([head, parameter]));
    }
    default:
      return update(some(nlri, 2, random), someAttributes(random), some(nlri, 3, random));
  }
}

/** Now and then one of them is damaged within, so that all else in the message is as it should be. */
function someAttributes(random: Random): Uint8Array {
  const chosen = Array.from({ length: random.below(8) }, () => random.pick(attributes));
  if (random.below(3) > 0) chosen.unshift(random.pick(mandatory));
  const damaged = random.below(2 * chosen.length + 1);
  return Buffer.concat(chosen.map((each, i) => (i === damaged ? damageAttribute(each, random) : each)));
}

/** Another value, other flags, or another length with a value that fits it. */
function damageAttribute(bytes: Uint8Array, random: Random): Uint8Array {
  const extended = (bytes[0]! & 0x10) !== 0;
  const [flags, type, value] = [bytes[0]!, bytes[1]!, bytes.subarray(extended ? 4 : 3)];
  switch (random.below(3)) {
    case 0:
      return Uint8Array.of(flags ^ random.pick([0x40, 0x80, 0xc0]), ...bytes.subarray(1));
    case 1: {
      const other = Uint8Array.from(value);
      if (other.length > 0) other[random.below(other.length)] = random.pick(telling);
      return Buffer.concat([bytes.subarray(0, bytes.length - value.length), other]);
    }
    default: {
      const other = value.subarray(0, random.below(Math.min(value.length, 250) + 1));
      return Uint8Array.of(flags & 0xef, type, other.length + 1, ...other, random.pick(telling));
    }
  }
}

function some(from: readonly Uint8Array[], most: number, random: Random): Uint8Array {
  return Buffer.concat(Array.from({ length: random.below(most + 1) }, () => random.pick(from)));
}

function update(withdrawn: Uint8Array, block: Uint8Array, announced: Uint8Array): Uint8Array {
  return message(2, Buffer.concat([u16(withdrawn.length), withdrawn, u16(block.length), block, announced]));
}

function message(type: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([marker, u16(19 + body.length), Uint8Array.of(type), body]);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of((value >>> 8) & 255, value & 255);
}

/** Mostly behind the marker, since there is little to be wrong with that. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(20) === 0 ? random.below(bytes.length) : 18 + random.below(bytes.length - 17);
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at + 1);
  const octet = bytes[at] ?? 0;
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([before, Uint8Array.of(octet ^ (1 << random.below(8))), after]);
    case 1:
      return Buffer.concat([before, Uint8Array.of(random.pick(telling)), after]);
    case 2:
      return Buffer.concat([before, Uint8Array.of((octet + random.pick([1, 255])) & 255), after]);
    case 3:
      return Buffer.concat([before, bytes.subarray(at + 1 + random.below(8))]);
    case 4:
      return Buffer.concat([before, random.pick(attributes), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([before, bytes.subarray(at - random.below(8))]);
    default:
      return before;
  }
}

/** Makes the length of the message right again, and sometimes that of the attributes. */
function withLengths(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < 19) return bytes;
  const repaired = Buffer.from(bytes);
  repaired.writeUInt16BE(bytes.length & 0xffff, 16);
  if (bytes[18] !== 2 || bytes.length < 23 || random.below(6) > 0) return repaired;
  const at = 21 + repaired.readUInt16BE(19);
  if (at + 2 <= bytes.length) repaired.writeUInt16BE(random.below(bytes.length - at - 1), at);
  return repaired;
}
