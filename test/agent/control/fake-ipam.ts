/** Address management of canned answers. */
import { ControlFailure, type IpamBackend } from '../../../agent/control/backend.js';
import type { AddressView, BlockUsage, PoolUsage } from '../../../agent/control/ipam-types.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { cidr } from '../documents.js';

export const ALLOCATED = Date.UTC(2026, 0, 2, 11, 0, 0);

function blockUsage(prefix: string, node: string | null, inUse: number, more: Partial<BlockUsage> = {}) {
  return {
    cidr: cidr(prefix),
    node,
    byHand: false,
    total: 64,
    inUse,
    reserved: 0,
    free: 64 - inUse,
    borrowed: 0,
    ...more,
  };
}

export const poolUsages: readonly PoolUsage[] = [
  {
    pool: 'pods',
    cidr: cidr('10.244.0.0/16'),
    disabled: false,
    total: 65536,
    inUse: 66,
    reserved: 4,
    free: 65466,
    blocks: [
      blockUsage('10.244.0.0/26', 'host-a', 64, { borrowed: 3 }),
      blockUsage('10.244.1.0/24', 'host-b', 2, { byHand: true, total: 256, free: 254 }),
      blockUsage('10.244.9.0/26', null, 0),
    ],
  },
  {
    pool: 'pods6',
    cidr: cidr('fd00:10:244::/64'),
    total: 2 ** 64,
    inUse: 0,
    reserved: 0,
    free: 2 ** 64,
    disabled: false,
    blocks: [],
  },
];

function given(address: IpAddress): AddressView {
  return {
    address,
    state: 'in-use',
    pool: 'pods',
    block: cidr('10.244.0.0/26'),
    owner: 'host-a',
    allocation: {
      address,
      handle: 'k8s-pod-network.abc',
      node: 'host-b',
      sequence: 7,
      after: 0,
      allocatedUnixMs: ALLOCATED,
      attributes: { namespace: 'shop', pod: 'web' },
    },
    users: ['WorkloadEndpoint/shop/web'],
    releasedUnixMs: null,
  };
}

export function fakeIpam(calls: string[]): IpamBackend {
  return {
    show: async () => ({ pools: poolUsages }),
    addresses: async () => ({
      addresses: [given('10.244.0.5' as IpAddress), { ...given('10.244.0.6' as IpAddress), owner: 'host-b' }],
    }),
    address: async address => given(address),
    check: async () => ({
      blocks: 3,
      pools: 2,
      handles: 60,
      endpoints: 58,
      hosts: [
        { node: 'host-a', addresses: 61 },
        { node: 'host-b', addresses: 5 },
      ],
      problems: [
        {
          name: 'leaked-address',
          message: '10.244.0.9 on host-a (h9) has no endpoint',
          address: '10.244.0.9' as IpAddress,
          handle: 'h9',
          node: 'host-a',
          block: cidr('10.244.0.0/26'),
          sequence: 12,
          cure: 'the controller releases it after 15 minutes',
        },
        {
          name: 'handle-without-address',
          message: 'handle h8 has no address',
          handle: 'h8',
          cure: 'the controller removes it after 15 minutes',
        },
      ],
    }),
    assign: async request => {
      calls.push(`assign ${JSON.stringify(request)}`);
      if (request.handle === 'full') {
        throw new ControlFailure(409, {
          error: "no address: 2 of a's own blocks have no free address; there is no IPv6 pool",
        });
      }
      const { handle, node = 'host1' } = request;
      const addresses = [
        { address: '10.244.0.5' as IpAddress, block: cidr('10.244.0.0/26'), node, sequence: 9 },
        { address: 'fd00:10:244::5' as IpAddress, block: cidr('fd00:10:244::/122'), node, sequence: 3 },
      ];
      return { handle, node, addresses };
    },
    release: async releases => {
      calls.push(`release ${JSON.stringify(releases)}`);
      return releases.map(asked => {
        const theirs = asked.address === '10.244.0.7';
        const refused = theirs ? '10.244.0.7 is in use by handle h7 on host-a, sequence 7' : null;
        const gone = asked.handle === 'gone' || theirs;
        return { asked, released: gone ? [] : [asked.address ?? '10.244.0.5'], refused };
      });
    },
  };
}
