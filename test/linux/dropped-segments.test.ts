import test from 'ava';
import { droppedSegments, parseDroppedSegments } from '../../linux/dropped-segments.js';

test('the counters stand under their names in /proc/net/netstat', t => {
  const netstat = [
    'TcpExt: SyncookiesSent TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure TCPMinTTLDrop',
    'TcpExt: 9 1 2 3 4',
    'IpExt: TCPMD5NotFound',
    'IpExt: 7',
  ];
  t.deepEqual(parseDroppedSegments(`${netstat.join('\n')}\n`), {
    missing: 1,
    unexpected: 2,
    wrong: 3,
    lowTtl: 4,
  });
  t.deepEqual(parseDroppedSegments('TcpExt: Other\nTcpExt: 9\n'), {
    missing: 0,
    unexpected: 0,
    wrong: 0,
    lowTtl: 0,
  });
  for (const count of Object.values(droppedSegments())) t.true(Number.isInteger(count));
});
