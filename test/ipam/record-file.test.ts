import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RecordEntry } from '../../ipam/host-record.js';
import { RecordFile } from '../../ipam/record-file.js';
import { cidr } from '../agent/documents.js';
import { address } from './hosts.js';

function newPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-record-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state', 'addresses');
}

function allocated(i: number): RecordEntry {
  const allocation = {
    address: address(`10.244.${i >> 8}.${i & 255}`),
    block: cidr('10.244.0.0/16'),
    handle: `h${i}`,
    node: 'a',
    sequence: i + 1,
    after: 0,
    allocatedUnixMs: 5,
    attributes: { pod: 'é"\n' },
  };
  return { kind: 'allocated', allocation };
}

const claimed: RecordEntry = {
  kind: 'claimed',
  claim: { cidr: cidr('10.244.0.0/16'), claimedUnixMs: 3, claim: 7, claimAfter: 2 },
};
const lost: RecordEntry = { kind: 'lost', lost: { what: '10.9.0.1', handle: 'x', to: 'b', lostUnixMs: 9 } };

test('what was kept is there again', async t => {
  const path = newPath(t);
  const file = await RecordFile.open(path);
  await file.keep([claimed, allocated(1)]);
  await Promise.all([file.keep([allocated(2)]), file.keep([lost])]);
  await file.keep([{ kind: 'released', address: address('10.244.0.1') }]);
  await file.close();
  const again = await RecordFile.open(path);
  t.deepEqual(again.record, file.record);
  t.deepEqual(again.record.entries(), [claimed, allocated(2), lost]);
  await again.keep([{ kind: 'settled', what: '10.9.0.1' }, allocated(3)]);
  await again.close();
  t.deepEqual((await RecordFile.open(path)).record, again.record);
});

test('cut off at any byte, all that was kept before the last entry is there, and it can be written on', async t => {
  const path = newPath(t);
  const file = await RecordFile.open(path);
  await file.keep([claimed]);
  await file.keep([allocated(1)]);
  const whole = readFileSync(path).length;
  await file.keep([allocated(2)]);
  await file.close();
  const content = readFileSync(path);
  t.true(content.length > whole + 100);
  for (let length = whole; length < content.length; length += 7) {
    writeFileSync(path, content.subarray(0, length));
    const torn = await RecordFile.open(path);
    t.deepEqual(torn.record.entries().slice(0, 2), [claimed, allocated(1)], String(length));
    await torn.keep([allocated(3)]);
    await torn.close();
    t.true((await RecordFile.open(path)).record.allocations.has(address('10.244.0.3')), String(length));
  }
});

test('a damaged line is counted and costs nothing but itself', async t => {
  const path = newPath(t);
  const file = await RecordFile.open(path);
  await file.keep([claimed, allocated(1), allocated(2)]);
  await file.close();
  const text = readFileSync(path, 'utf8').replace('"h1"', '"hX"');
  writeFileSync(path, text);
  appendFileSync(path, '\u0000\u0000\u0000 not a line');
  const again = await RecordFile.open(path);
  t.is(again.damagedLines, 2);
  t.deepEqual(again.record.entries(), [claimed, allocated(2)]);
});

test('what has grown is made anew, and nothing of it is lost', async t => {
  const path = newPath(t);
  const file = await RecordFile.open(path);
  await file.keep([claimed]);
  for (let round = 0; round < 15; round++) {
    const all = Array.from({ length: 100 }, (_, i) => allocated(round * 100 + i));
    await file.keep(all);
    const gone = all.slice(1).map(entry => {
      if (entry.kind !== 'allocated') throw new Error();
      return { kind: 'released', address: entry.allocation.address } as const;
    });
    await file.keep(gone);
  }
  await file.close();
  t.true(readFileSync(path, 'utf8').split('\n').length < 2000);
  const again = await RecordFile.open(path);
  t.deepEqual(again.record, file.record);
  t.is(again.record.allocations.size, 15);
});

test('what cannot be written has not happened', async t => {
  const path = newPath(t);
  const file = await RecordFile.open(path);
  rmSync(join(path, '..'), { recursive: true });
  await t.throwsAsync(file.keep([claimed]));
  t.is(file.record.claims.size, 0);
  const elsewhere = await RecordFile.open(join(path, '..', '..', 'elsewhere', 'addresses'));
  await elsewhere.keep([claimed]);
  await elsewhere.close();
  t.is(elsewhere.record.claims.size, 1);
});
