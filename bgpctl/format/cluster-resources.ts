/** `bgpctl get` of what keeps a cluster together: address management, topology, leases and reports. Pure. */
import type { ClusterResource } from '../../core/resources/cluster-documents.js';
import type { Resource } from '../../core/resources/resource.js';

type Cell = readonly [header: string, text: string];

const clusterKinds: Readonly<Record<ClusterResource['kind'], true>> = {
  IPAMConfiguration: true,
  IPReservation: true,
  IPAMBlock: true,
  IPAMHandle: true,
  BGPTopology: true,
  TopologyPlan: true,
  Lease: true,
  NodeReport: true,
};

export function isClusterResource(resource: Resource): resource is ClusterResource {
  return Object.hasOwn(clusterKinds, resource.kind);
}

export function clusterCells(resource: ClusterResource): Cell[] {
  const name: Cell = ['NAME', resource.metadata.name];
  switch (resource.kind) {
    case 'IPAMConfiguration': {
      const { strictAffinity, maxBlocksPerHost, autoAllocateBlocks, ipCooldownSeconds } = resource.spec;
      return [
        name,
        ['STRICTAFFINITY', String(strictAffinity)],
        ['MAXBLOCKS', String(maxBlocksPerHost)],
        ['AUTOALLOCATE', String(autoAllocateBlocks)],
        ['COOLDOWN', `${ipCooldownSeconds} s`],
      ];
    }
    case 'IPReservation':
      return [name, ['RESERVED', resource.spec.reservedCIDRs.join(',')]];
    case 'IPAMBlock': {
      const { cidr, node, allocations } = resource.spec;
      return [name, ['CIDR', cidr], ['NODE', node ?? ''], ['IN USE', String(allocations.length)]];
    }
    case 'IPAMHandle': {
      const { handle, blocks } = resource.spec;
      return [name, ['HANDLE', handle], ['BLOCKS', blocks.map(({ cidr }) => cidr).join(',')]];
    }
    case 'BGPTopology': {
      const { mode, meshLimit, spreadBy, reflectorSelector } = resource.spec;
      return [
        name,
        ['MODE', mode],
        ['MESHLIMIT', String(meshLimit)],
        ['SPREADBY', spreadBy ?? ''],
        ['REFLECTORS', reflectorSelector],
      ];
    }
    case 'TopologyPlan': {
      const { generation, current, previous } = resource.spec;
      return [
        name,
        ['GENERATION', String(generation)],
        ['MODE', current.mode],
        ['BEFORE', previous?.mode ?? ''],
        ['REFLECTORS', current.reflectors.map(({ node }) => node).join(',')],
      ];
    }
    case 'Lease': {
      const { holder, renewals, renewedUnixMs } = resource.spec;
      return [
        name,
        ['HOLDER', holder],
        ['RENEWALS', String(renewals)],
        ['RENEWED', new Date(renewedUnixMs).toISOString()],
      ];
    }
    case 'NodeReport': {
      const { version, reportedUnixMs } = resource.spec;
      return [name, ['VERSION', version], ['REPORTED', new Date(reportedUnixMs).toISOString()]];
    }
  }
}
