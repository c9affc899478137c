import test from 'ava';
import { FakeClock } from '../../../bgp/testing/index.js';
import { MessageWriter } from '../../../linux/netlink/message.js';
import { NftablesReader } from '../../../linux/netlink/nftables.js';
import type { NetlinkTransportOptions } from '../../../linux/netlink/transport.js';
import { refusedLine, refusedReason, saysBusy } from '../../../policy/apply/command-output.js';
import type { ForeignChange } from '../../../policy/apply/foreign-changes.js';
import { legacyWatch } from '../../../policy/apply/legacy-watch.js';
import { nftablesWatch } from '../../../policy/apply/nftables-watch.js';
import { Random } from '../../support/random.js';

const filterTable = { family: 'ipv4', table: 'filter' } as const;

type Told = readonly [type: number, family: number, ...values: (string | number)[]];

/** As the kernel writes them: type, family, attributes of text or of 32 bits. */
function datagram(...messages: readonly Told[]) {
  const writer = new MessageWriter();
  for (const [type, family, ...values] of messages) {
    writer.begin((10 << 8) | type, 0, 0);
    writer.u8(family).u8(0).u16(0);
    for (const [i, value] of values.entries()) {
      if (typeof value === 'string') writer.attributeText(i + 1, value);
      else
        writer
          .u16(8)
          .u16(i + 1)
          .u32Network(value);
    }
    writer.end();
  }
  return writer.finish().slice();
}

test('a stroke that is told in several datagrams is one transaction, and says whose it is', t => {
  const reader = new NftablesReader();
  t.deepEqual(
    reader.read(datagram([6, 2, 'filter', 'mgy-a'], [6, 2, 'filter', 'mgy-a'], [8, 10, 'nat', 'X'])),
    [],
  );
  t.deepEqual(
    reader.read(
      datagram(
        [5, 2, 'raw', 1, 'mgy-b'],
        [2, 1, 'inet-table'],
        [9, 2, 'filter', 'set'],
        [15, 0, 7, 4711, 'nft'],
      ),
    ),
    [
      {
        pid: 4711,
        processName: 'nft',
        touched: [
          { family: 'ipv4', table: 'filter', chain: 'mgy-a' },
          { family: 'ipv6', table: 'nat', chain: 'X' },
          { family: 'ipv4', table: 'raw', chain: 'mgy-b' },
          { family: 'other', table: 'inet-table', chain: undefined },
        ],
      },
    ],
  );
  t.deepEqual(reader.read(datagram([15, 0, 8, 1, 'x'])), [{ pid: 1, processName: 'x', touched: [] }]);
});

test('no datagram, cut or changed anywhere, does more than tell nothing', t => {
  const random = new Random(Number(process.env.MARGAY_SEED ?? 7));
  const whole = datagram([6, 2, 'filter', 'mgy-a'], [15, 0, 7, 4711, 'nft']);
  for (let length = 0; length <= whole.length; length++) new NftablesReader().read(whole.subarray(0, length));
  for (let run = 0; run < 5000; run++) {
    const changed = whole.slice();
    for (let i = 0; i < 3; i++) changed[random.below(changed.length)] = random.below(256);
    new NftablesReader().read(changed);
  }
  t.is(new NftablesReader().read(whole).length, 1);
});

test('of what others do, only what touches our chains or built-in ones is told, and nothing of our own doing', t => {
  let socket: NetlinkTransportOptions | undefined;
  let opened = 0;
  const heard: ForeignChange[] = [];
  const watch = nftablesWatch({
    kernel: { isOwnChild: pid => pid === 99 },
    open: options => {
      socket = options;
      opened++;
      return { send: () => {}, port: 1, ignoreSender: () => {}, close: () => {} };
    },
  })(changes => heard.push(...changes));
  watch.watch([filterTable, { family: 'ipv6', table: 'raw' }], false);
  t.deepEqual(socket!.groups, [7]);
  const hears = (pid: number, ...messages: readonly Told[]) => {
    heard.length = 0;
    socket!.received(datagram(...messages, [15, 0, 1, pid, 'other']));
    return heard.map(({ table }) => `${table?.family} ${table?.table}`);
  };
  t.deepEqual(hears(5, [6, 2, 'filter', 'DOCKER']), []);
  t.deepEqual(hears(5, [6, 2, 'nat', 'PREROUTING']), []);
  t.deepEqual(hears(5, [8, 2, 'filter', 'INPUT']), ['ipv4 filter']);
  t.deepEqual(hears(5, [8, 2, 'filter', 'mgy-a']), ['ipv4 filter']);
  t.deepEqual(hears(5, [2, 10, 'raw'], [2, 2, 'filter']), ['ipv4 filter', 'ipv6 raw']);
  t.deepEqual(hears(99, [8, 2, 'filter', 'mgy-a']), []);
  // What was lost may have been anything.
  heard.length = 0;
  socket!.failed({ code: 'ENOBUFS', message: '' });
  t.deepEqual(heard, [{ table: undefined, by: undefined, atMostAgoMs: 0 }]);
  t.is(opened, 2);
  watch.close();
});

test('a legacy table is looked at four times a second; what we wrote is known, what others wrote is told once', t => {
  const clock = new FakeClock();
  let now = 'a';
  let looks = 0;
  const heard: ForeignChange[] = [];
  const watch = legacyWatch({
    clock,
    open: () => ({
      fingerprint: () => {
        looks++;
        return now;
      },
      close: () => {},
    }),
  })(changes => heard.push(...changes));
  watch.watch([filterTable], true);
  clock.advance(1000);
  t.is(looks, 5);
  t.deepEqual(heard, []);
  now = 'b';
  watch.watch([filterTable], true);
  clock.advance(1000);
  t.deepEqual(heard, [], 'that was us');
  now = 'c';
  watch.watch([filterTable], false);
  clock.advance(1000);
  t.deepEqual(heard, [{ table: filterTable, by: undefined, atMostAgoMs: 250 }]);
  watch.close();
  clock.advance(1000);
  t.is(looks, 14);
});

test('a table that cannot be looked at from afar is read once a second', t => {
  const clock = new FakeClock();
  const heard: ForeignChange[] = [];
  const open = () => ({
    fingerprint: (): string => {
      throw new Error('ENOPROTOOPT');
    },
    close: () => {},
  });
  const watch = legacyWatch({ clock, open })(changes => heard.push(...changes));
  watch.watch([filterTable], true);
  clock.advance(5000);
  t.is(heard.length, 5);
  watch.close();
});

test('what the commands say is told apart: busy, refused at a line, refused somewhere', t => {
  const nft = `iptables-nft-restore v1.8.9 (nf_tables): \nline 4: RULE_APPEND failed (Invalid argument): rule in chain mgy-a\n`;
  const parse = `iptables-nft-restore v1.8.9 (nf_tables): Couldn't load match \`nosuch':No such file or directory\n\nError occurred at line: 14\nTry \`iptables-nft-restore -h' for more information.\n`;
  const lock = `Can't lock /run/xtables.lock: Resource temporarily unavailable\nAnother app is currently holding the xtables lock. Stopped waiting after 1s.`;
  t.deepEqual(
    [
      nft,
      parse,
      'iptables-restore: line 5 failed',
      'ipset v7.17: Error in line 3: Hash is full, cannot add more elements',
      lock,
    ].map(refusedLine),
    [4, 14, 5, 3, undefined],
  );
  t.deepEqual([nft, parse, lock].map(saysBusy), [false, false, true]);
  t.regex(refusedReason(nft), /^line 4: RULE_APPEND failed/);
  t.regex(refusedReason(parse), /^Couldn't load match/);
  t.regex(refusedReason('iptables-restore: line 5 failed'), /^the kernel refuses it/);
  t.regex(refusedReason('ipset v7.17: Error in line 3: Hash is full'), /Hash is full/);
});
