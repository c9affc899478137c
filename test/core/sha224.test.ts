import { createHash } from 'node:crypto';
import test from 'ava';
import { base64url, sha224 } from '../../core/sha224.js';
import { Random } from '../support/random.js';

const hex = (text: string) => Buffer.from(sha224(text)).toString('hex');

test('the hashes of FIPS 180-4 examples', t => {
  t.is(hex('abc'), '23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7');
  t.is(hex(''), 'd14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f');
  t.is(
    hex('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525',
  );
});

test('every length over three blocks, and characters of several bytes, hash as the system hashes them', t => {
  const random = new Random(224);
  for (let length = 0; length < 200; length++) {
    const text = Array.from({ length }, () => random.pick([...'aZ09 "é€😀'])).join('');
    t.is(hex(text), createHash('sha224').update(text).digest('hex'), `length ${length}`);
  }
});

test('base64url is the one of RFC 4648, without padding', t => {
  for (let length = 0; length < 30; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + 200) & 255);
    t.is(base64url(bytes), Buffer.from(bytes).toString('base64url'));
  }
});
