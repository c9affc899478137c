import test from 'ava';
import { NetlinkConnection, type RequestBatch } from '../../../linux/netlink/connection.js';
import { Flag, Group, MessageType } from '../../../linux/netlink/constants.js';
import { KernelMonitor } from '../../../linux/netlink/monitor.js';
import { answer, error, fakeNetlink } from '../../support/fake-netlink.js';
import { bytesOf, dumpedRoutes } from './captured.js';

function batchOf(count: number): RequestBatch {
  return {
    count,
    write: (writer, i, sequence) => {
      writer.begin(MessageType.newRoute, Flag.request, sequence).u32(i).end();
    },
  };
}

test('a batch is one datagram with one acknowledgement; what fails answers by its number', async t => {
  const { open, opened, sent } = fakeNetlink();
  const connection = new NetlinkConnection(open);
  const refusals = connection.batch(batchOf(3));
  const [datagram] = sent;
  t.is(datagram!.length, 3);
  t.deepEqual(
    datagram!.map(({ flags }) => flags & Flag.ack),
    [0, 0, Flag.ack],
  );
  const [first, , last] = datagram!.map(({ sequence }) => sequence);
  opened[0]!.received(answer(error(first!, 17)));
  opened[0]!.received(answer(error(first! + 90, 1), error(last!, 0)));
  t.deepEqual([...(await refusals)], [[0, { errno: 17, text: '' }]]);
});

test('requests wait for their turn, and an empty batch for nothing', async t => {
  const { open, opened, sent } = fakeNetlink();
  const connection = new NetlinkConnection(open);
  const done: string[] = [];
  void connection.batch(batchOf(1)).then(() => done.push('first'));
  void connection.batch(batchOf(1)).then(() => done.push('second'));
  t.is((await connection.batch(batchOf(0))).size, 0);
  t.is(sent.length, 1);
  opened[0]!.received(answer(error(sent[0]![0]!.sequence, 0)));
  await new Promise(resolve => setImmediate(resolve));
  t.deepEqual(done, ['first']);
  t.is(sent.length, 2);
  opened[0]!.received(answer(error(sent[1]![0]!.sequence, 0)));
  await new Promise(resolve => setImmediate(resolve));
  t.deepEqual(done, ['first', 'second']);
});

test('an interrupted dump is begun again, and given up to what there is after a few times', async t => {
  const { open, opened, sent } = fakeNetlink();
  const connection = new NetlinkConnection(open);
  for (const interruptions of [0, 2, 9]) {
    let [begun, seen] = [0, 0];
    const dump = connection.dump(
      { type: MessageType.getRoute, flags: 0, write: () => {} },
      () => {
        begun++;
        seen = 0;
      },
      () => {
        seen++;
      },
    );
    for (let attempt = 0; attempt <= Math.min(interruptions, 4); attempt++) {
      const { sequence, flags } = sent.at(-1)![0]!;
      t.is(flags & Flag.dump, Flag.dump);
      const interrupted = attempt < interruptions ? Flag.dumpInterrupted : 0;
      opened[0]!.received(
        answer(
          { type: MessageType.newRoute, flags: Flag.multi | interrupted, sequence },
          { type: MessageType.newRoute, flags: Flag.multi, sequence },
          { type: MessageType.done, flags: Flag.multi, sequence },
        ),
      );
      await new Promise(resolve => setImmediate(resolve));
    }
    await dump;
    t.is(begun, Math.min(interruptions, 4) + 1);
    t.is(seen, 2);
  }
});

test('a dump that the kernel refuses, at once or at its end, fails', async t => {
  const { open, opened, sent } = fakeNetlink();
  const connection = new NetlinkConnection(open);
  for (const type of [MessageType.error, MessageType.done]) {
    const dump = connection.dump(
      { type: 26, flags: 0, write: () => {} },
      () => {},
      () => {},
    );
    opened[0]!.received(answer({ type, sequence: sent.at(-1)![0]!.sequence, word: -95 }));
    await t.throwsAsync(dump);
  }
});

test('a socket that fails takes its requests with it; the next one opens another, and old answers are not taken for new', async t => {
  const ports: number[] = [];
  const { open, opened, sent } = fakeNetlink();
  const connection = new NetlinkConnection(open, undefined, port => ports.push(port));
  const lost = [connection.batch(batchOf(1)), connection.batch(batchOf(1))];
  opened[0]!.failed({ code: 'ENOBUFS', message: '' });
  for (const one of lost) await t.throwsAsync(one);
  const next = connection.batch(batchOf(1));
  t.is(opened.length, 2);
  t.deepEqual(ports, [100, 101]);
  opened[1]!.received(answer(error(sent[0]![0]!.sequence, 1)));
  opened[1]!.received(answer(error(sent.at(-1)![0]!.sequence, 0)));
  t.is((await next).size, 0);
});

test('a socket that cannot be opened fails the request, not the process', async t => {
  const connection = new NetlinkConnection(() => {
    throw Object.assign(new Error('socket: EMFILE'), { code: 'EMFILE' });
  });
  await t.throwsAsync(connection.batch(batchOf(1)), { code: 'EMFILE' });
});

test('the monitor reopens its socket when that overflows, says so, and ignores the same sender again', async t => {
  const { open, opened, ignored } = fakeNetlink();
  const heard: string[] = [];
  const monitor = new KernelMonitor(changes => heard.push(...changes.map(({ kind }) => kind)), { open });
  monitor.ignoreSender(0x4119);
  opened[0]!.received(bytesOf(Object.values(dumpedRoutes).join('')));
  t.deepEqual(heard, ['route'], 'all but one were the ignored sender’s');
  opened[0]!.failed({ code: 'ENOBUFS', message: '' });
  t.deepEqual(heard, ['route', 'resynchronise']);
  t.is(opened.length, 2);
  t.deepEqual(ignored, [0x4119, 0x4119]);
  monitor.close();
  opened[1]!.failed({ code: '', message: 'closed' });
  t.is(opened.length, 2);
});

test('the monitor joins the group of neighbours where it is asked to', t => {
  for (const neighbours of [false, true]) {
    const { open, opened } = fakeNetlink();
    new KernelMonitor(() => {}, { open, neighbours }).close();
    t.is(opened[0]!.groups.includes(Group.neighbour), neighbours);
  }
});
