import test from 'ava';
import { DumpRefusedError } from '../../../linux/netlink/connection.js';
import {
  IPSET_LIST,
  type IpsetHeader,
  readIpsetHeader,
  writeIpsetHeadersDump,
} from '../../../linux/netlink/ipset.js';
import { IpsetHeaders } from '../../../linux/netlink/ipset-headers.js';
import { messages } from '../../../linux/netlink/message.js';
import { answer, error, fakeNetlink } from '../../support/fake-netlink.js';
import { Random } from '../../support/random.js';
import { bytesOf } from './captured.js';
import { attributes, header, only, written } from './message-parts.js';

/** `ipset list -t` of ipset 7.17, but for the protocol: 6, which is what every kernel takes. */
const request = '240000000706010301000000000000000000000005000100060000000800064000000004';
/** A kernel 6.18's answers to it: a hash:net with two members, a bitmap:port and an IPv6 hash:ip,port with one each. */
const answers = [
  '8400000007060200010000008d5400000200000005000100060000000b0002006d67792d733100000d000300686173683a6e657400000000050005000200000005000400070000003c00078008001240000004000800134000100000050015000c000000080011404009a151080019400000000008001a40000002280800184000000002',
  '7400000007060200010000008d5400000200000005000100060000000a0002006d67792d70000000100003006269746d61703a706f727400050005000000000005000400030000002c000780060004400000000006000540ffff0000080019400000000008001a40000020480800184000000001',
  '8800000007060200010000008d5400000200000005000100060000000c0002006d67792d7369780011000300686173683a69702c706f727400000000050005000a00000005000400070000003c000780080012400000040008001340000003e8050015000c00000008001140d9ee1103080019400000000008001a40000001300800184000000001',
].map(bytesOf);
const done = bytesOf('1400000003000200010000008d54000000000000');

const read = (bytes: Uint8Array) => readIpsetHeader(only(bytes))!;
const facts = ({ name, type, family, elements }: IpsetHeader) => ({ name, type, family, elements });

test('the question for headers has the octets that `ipset list -t` sends', t => {
  const message = written(IPSET_LIST, writeIpsetHeadersDump);
  const captured = only(bytesOf(request));
  t.is(message.type, captured.type);
  t.is(header(message, 4), header(captured, 4));
  t.deepEqual(attributes(message, 4), attributes(captured, 4));
});

test('headers say what a set is and how much it holds', t => {
  t.deepEqual(answers.map(read).map(facts), [
    { name: 'mgy-s1', type: 'hash:net', family: 'ipv4', elements: 2 },
    { name: 'mgy-p', type: 'bitmap:port', family: undefined, elements: 1 },
    { name: 'mgy-six', type: 'hash:ip,port', family: 'ipv6', elements: 1 },
  ]);
});

test('a fingerprint changes with the members, the memory and the hash, and not with who refers to the set', t => {
  const [hashNet] = answers;
  const { fingerprint } = read(hashNet!);
  const withOctet = (pattern: string) => {
    const at = Buffer.from(hashNet!).indexOf(pattern, 0, 'hex') + pattern.length / 2;
    t.true(at > 100, pattern);
    const changed = hashNet!.slice();
    changed[at]! ^= 1;
    return read(changed).fingerprint;
  };
  t.is(withOctet('08001940000000'), fingerprint, 'references');
  t.not(withOctet('08001840000000'), fingerprint, 'elements');
  t.not(withOctet('08001a400000'), fingerprint, 'memory');
  t.not(withOctet('08001140'), fingerprint, 'hash');
});

test('no header, cut or changed anywhere, does more than tell nothing or something else', t => {
  const random = new Random(Number(process.env.MARGAY_SEED ?? 7));
  let whole = 0;
  for (const bytes of answers) {
    for (let length = 0; length < bytes.length; length++)
      t.is([...messages(bytes.subarray(0, length))].length, 0);
    for (let end = 20; end <= bytes.length; end++) {
      const message = only(bytes);
      if (readIpsetHeader({ ...message, end }) !== undefined) whole++;
    }
    for (let run = 0; run < 3000; run++) {
      const changed = bytes.slice();
      for (let i = 0; i < 3; i++) changed[random.below(changed.length)] = random.below(256);
      for (const message of messages(changed)) readIpsetHeader(message);
    }
  }
  t.true(whole > 100);
});

test('sets are read by name; what the kernel refuses is said', async t => {
  const { open, opened, sent } = fakeNetlink();
  const headers = new IpsetHeaders(undefined, open);
  t.teardown(() => headers.close());
  const found = headers.read();
  t.is(sent[0]![0]!.sequence, 1);
  for (const bytes of [...answers, done]) opened[0]!.received(bytes);
  t.deepEqual([...(await found).keys()], ['mgy-s1', 'mgy-p', 'mgy-six']);
  const refused = headers.read();
  opened[0]!.received(answer(error(2, 1)));
  t.like(await t.throwsAsync(refused, { instanceOf: DumpRefusedError }), { errno: 1 });
});
