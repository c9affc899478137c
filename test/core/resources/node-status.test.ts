import test from 'ava';
import { readsAs, refuses } from './written.js';

const least = { version: '0.1.0', receives: [], sends: [] };

test('what a host says of its tunnels', t => {
  readsAs(t, 'NodeStatus', least);
  readsAs(t, 'NodeStatus', {
    version: '0.1.0',
    receives: [
      { tunnel: 'vxlan', state: 'Ready' },
      { tunnel: 'ipip', state: 'Unavailable', reason: 'this kernel has no ipip' },
    ],
    sends: ['vxlan', 'udp'],
  });
});

test('what it cannot say', t => {
  refuses(t, 'NodeStatus', [
    [{ ...least, version: 1 }, 'version', '1', /text/],
    [{ ...least, receives: {} }, 'receives', '{}', /list/],
    [
      { ...least, receives: [{ tunnel: 'gre', state: 'Ready' }] },
      'receives[0].tunnel',
      '"gre"',
      /ipip, vxlan, vxlan-v6, udp/,
    ],
    [{ ...least, receives: [{ tunnel: 'ipip', state: 'Open' }] }, 'receives[0].state', '"Open"', /Ready/],
    [{ ...least, sends: ['none'] }, 'sends[0]', '"none"', /ipip/],
    [{ receives: [], sends: [] }, 'version', 'nothing', /text/],
  ]);
});
