import test from 'ava';
import { readsAs, refuses } from './written.js';

test('a filter with every match and operation keeps them', t => {
  readsAs(t, 'BGPFilter', {});
  readsAs(t, 'BGPFilter', {
    importV4: [
      {
        action: 'Accept',
        cidr: '10.0.0.0/8',
        matchOperator: 'In',
        prefixLength: { min: 16, max: 24 },
        source: 'RemotePeers',
        interface: '*.calico',
        peerType: 'eBGP',
        communities: { values: ['64512:1'] },
        asPathPrefix: [65001, 65002],
        priority: 512,
        operations: [
          { addCommunity: { value: '64512:1:2' } },
          { prependASPath: { prefix: [65000, 65000] } },
          { setPriority: { value: 2147483646 } },
        ],
      },
      { action: 'Reject', cidr: '10.0.0.0/8', matchOperator: 'NotIn', prefixLength: { max: 32 } },
    ],
    exportV4: [{ action: 'Reject' }],
    importV6: [{ action: 'Reject', cidr: 'fd00::/8', matchOperator: 'NotEqual' }],
    exportV6: [{ action: 'Accept', cidr: 'fd00::/8', matchOperator: 'In', prefixLength: { min: 128 } }],
  });
});

test('a rule that contradicts itself is refused at its place', t => {
  const rule = (more: object) => ({ importV4: [{ action: 'Accept', ...more }] });
  const at = (field: string) => `importV4[0]${field}`;
  const cidr = { cidr: '10.0.0.0/8', matchOperator: 'In' };
  refuses(t, 'BGPFilter', [
    [{ importV4: [{}] }, at('.action'), 'nothing', 'one of Accept, Reject'],
    [{ importV4: [{ action: 'accept' }] }, at('.action'), '"accept"', 'one of Accept, Reject'],
    [{ importV4: { action: 'Accept' } }, 'importV4', '{"action":"Accept"}', 'a list of rules'],
    [rule({ cidr: '10.0.0.0/8' }), at('.matchOperator'), 'nothing', /Equal, NotEqual, In or NotIn/],
    [rule({ matchOperator: 'In' }), at('.cidr'), 'nothing', /matchOperator needs it/],
    [rule({ prefixLength: { min: 1 } }), at('.cidr'), 'nothing', /prefixLength needs it/],
    [rule({ ...cidr, cidr: 'fd00::/8' }), at('.cidr'), '"fd00::/8"', 'an IPv4 prefix'],
    [rule({ ...cidr, cidr: '10.0.0.1/8' }), at('.cidr'), '"10.0.0.1/8"', /without host bits/],
    [rule({ ...cidr, matchOperator: 'Inside' }), at('.matchOperator'), '"Inside"', /Equal, NotEqual/],
    [rule({ ...cidr, prefixLength: { min: 33 } }), at('.prefixLength.min'), '33', /0 to 32/],
    [rule({ ...cidr, prefixLength: { max: 7 } }), at('.prefixLength'), '{"max":7}', /min 8 is above/],
    [
      rule({ ...cidr, matchOperator: 'Equal', prefixLength: { min: 9 } }),
      at('.prefixLength'),
      '{"min":9}',
      /beside Equal/,
    ],
    [rule({ source: 'Local' }), at('.source'), '"Local"', 'one of RemotePeers'],
    [
      rule({ interface: 'much-too-long-a-name' }),
      at('.interface'),
      '"much-too-long-a-name"',
      /15 characters/,
    ],
    [rule({ peerType: 'ebgp' }), at('.peerType'), '"ebgp"', 'one of eBGP, iBGP'],
    [rule({ communities: { values: [] } }), at('.communities.values'), '[]', /one community/],
    [rule({ communities: { values: ['1:2', '1:3'] } }), at('.communities.values'), '["1:2","1:3"]', /one/],
    [rule({ communities: { values: ['65536:1'] } }), at('.communities.values[0]'), '"65536:1"', /64512:100/],
    [rule({ asPathPrefix: [0] }), at('.asPathPrefix[0]'), '0', /1 to 4294967295/],
    [rule({ priority: 0 }), at('.priority'), '0', /1 to 2147483646/],
    [rule({ operations: [] }), at('.operations'), '[]', /at least one operation/],
    [rule({ operations: [{}] }), at('.operations[0]'), '{}', /^one operation/],
    [
      rule({ operations: [{ setMed: 1 }] }),
      at('.operations[0].setMed'),
      '1',
      /a field of Calico's BGPFilter/,
    ],
    [
      rule({ operations: [{ prependASPath: { prefix: [] } }] }),
      at('.operations[0].prependASPath.prefix'),
      '[]',
      /at least one AS number/,
    ],
  ]);
  refuses(t, 'BGPFilter', [
    [
      { exportV6: [{ action: 'Reject', operations: [{ setPriority: { value: 1 } }] }] },
      'exportV6[0].operations',
      '[{"setPriority":{"value":1}}]',
      /beside action Reject/,
    ],
  ]);
});
