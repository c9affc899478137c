/** `bgpctl get`: the columns that calicoctl's users know, and Margay's own kinds in the same manner. Pure. */
import { udpModeOf } from '../../core/resources/annotations.js';
import type { IPPoolResource, Resource, ResourceKind } from '../../core/resources/resource.js';
import { clusterCells, isClusterResource } from './cluster-resources.js';
import { policyCells } from './policy-resources.js';
import { type HostReport, tunnelOf, whoReceives } from './pool-hosts.js';
import { type Column, type Row, renderTable } from './table.js';

type Cell = readonly [header: string, text: string];

export interface ResourceFormat {
  readonly width: number;
  readonly colour: boolean;
  readonly wide: boolean;
  /** What the hosts say they receive, for pools. */
  readonly hosts?: readonly HostReport[] | undefined;
}

/** Lines for a list of one kind; "" of them is a header alone. */
export function formatResources(
  kind: ResourceKind,
  resources: readonly Resource[],
  options: ResourceFormat,
): string {
  const udp = resources.some(resource => resource.kind === 'IPPool' && udpModeOf(resource) !== 'Never');
  const rows = resources.map(resource =>
    resource.kind === 'IPPool' ? poolCells(resource, options, udp) : resourceCells(resource, options.wide),
  );
  const headers = rows[0]?.map(([header]) => header) ?? ['NAME'];
  if (rows.length === 0) return `There is no ${kind}.\n`;
  const columns: Column[] = headers.map(header => ({
    header,
    ...(header === 'NAME' ? {} : { shrinkTo: 10 }),
  }));
  const tableRows: Row[] = rows.map(cells => ({ cells: cells.map(([, text]) => text) }));
  return renderTable(columns, tableRows, {
    width: options.wide ? Number.MAX_SAFE_INTEGER : options.width,
    colour: options.colour,
  });
}

function poolCells(pool: IPPoolResource, { wide, hosts }: ResourceFormat, udp: boolean): Cell[] {
  const { spec, metadata } = pool;
  const base: Cell[] = [
    ['NAME', metadata.name],
    ['CIDR', spec.cidr],
  ];
  const selector: Cell = ['SELECTOR', spec.nodeSelector];
  if (!wide) return [...base, selector];
  const udpMode: Cell[] = udp ? [['UDPMODE', udpModeOf(pool)]] : [];
  const receivers: Cell[] = hosts === undefined ? [] : [['HOSTS', whoReceives(tunnelOf(pool), hosts)]];
  return [
    ...base,
    ['NAT', String(spec.natOutgoing)],
    ['IPIPMODE', spec.ipipMode],
    ['VXLANMODE', spec.vxlanMode],
    ...udpMode,
    ...receivers,
    ['DISABLED', String(spec.disabled)],
    ['DISABLEBGPEXPORT', String(spec.disableBGPExport)],
    ['ASSIGNMENTMODE', spec.assignmentMode],
    selector,
  ];
}

function resourceCells(resource: Exclude<Resource, IPPoolResource>, wide: boolean): Cell[] {
  const name: Cell = ['NAME', resource.metadata.name];
  if (isClusterResource(resource)) return clusterCells(resource);
  switch (resource.kind) {
    case 'Node': {
      const { bgp } = resource.spec;
      // Calico's: parentheses mean the default.
      const asn: Cell = ['ASN', bgp?.asNumber === undefined ? '(64512)' : String(bgp.asNumber)];
      const addresses: Cell[] = [asn, ['IPV4', bgp?.ipv4Address ?? ''], ['IPV6', bgp?.ipv6Address ?? '']];
      return wide ? [name, ...addresses] : [name];
    }
    case 'BGPConfiguration': {
      const { spec } = resource;
      return [
        name,
        ['LOGSEVERITY', spec.logSeverityScreen ?? ''],
        ['MESHENABLED', spec.nodeToNodeMeshEnabled === undefined ? '' : String(spec.nodeToNodeMeshEnabled)],
        ['ASNUMBER', spec.asNumber === undefined ? '' : String(spec.asNumber)],
      ];
    }
    case 'FelixConfiguration': {
      const { spec } = resource;
      const number = (value: number | undefined) => (value === undefined ? '' : String(value));
      const tunnels: Cell[] = [
        ['IPIPMTU', number(spec.ipipMTU)],
        ['VXLANMTU', number(spec.vxlanMTU)],
        ['VXLANPORT', number(spec.vxlanPort)],
        ['VXLANVNI', number(spec.vxlanVNI)],
      ];
      return wide ? [name, ...tunnels] : [name];
    }
    case 'BGPPeer': {
      const { spec } = resource;
      return [
        name,
        ['PEERIP', spec.peerIP ?? spec.peerSelector ?? ''],
        ['NODE', spec.node ?? spec.nodeSelector ?? '(global)'],
        ['ASN', spec.asNumber === undefined ? '' : String(spec.asNumber)],
      ];
    }
    case 'BGPPeerRange': {
      const { spec } = resource;
      return [
        name,
        ['CIDR', spec.cidr],
        ['NODE', spec.node ?? spec.nodeSelector ?? '(global)'],
        ['ASN', spec.asNumbers?.join(',') ?? "(the node's)"],
        ['LIMIT', String(spec.limit)],
      ];
    }
    case 'BGPFilter': {
      const { importV4, exportV4, importV6, exportV6 } = resource.spec;
      const count = (rules: readonly unknown[] | undefined) => String(rules?.length ?? 0);
      return [
        name,
        ['IMPORTV4', count(importV4)],
        ['EXPORTV4', count(exportV4)],
        ['IMPORTV6', count(importV6)],
        ['EXPORTV6', count(exportV6)],
      ];
    }
    case 'Secret':
      return [name, ['TYPE', resource.type ?? 'Opaque'], ['KEYS', Object.keys(resource.data).join(',')]];
    case 'WorkloadEndpoint': {
      const { spec, metadata } = resource;
      const where: Cell[] = wide ? [['NAMESPACE', metadata.namespace ?? ''], name] : [];
      return [
        ...where,
        ['WORKLOAD', spec.pod ?? spec.workload ?? metadata.name],
        ['NODE', spec.node],
        ['NETWORKS', spec.ipNetworks.join(',')],
        ['INTERFACE', spec.interfaceName],
      ];
    }
    case 'NodeStatus': {
      const { version, receives, sends } = resource.spec;
      const words = receives.map(({ tunnel, state }) =>
        state === 'Ready' ? tunnel : `${tunnel} (${state})`,
      );
      return [name, ['VERSION', version], ['RECEIVES', words.join(',')], ['SENDS', sends.join(',')]];
    }
    case 'BlockAffinity':
      return [
        name,
        ['NODE', resource.spec.node],
        ['CIDR', resource.spec.cidr],
        ['STATE', resource.spec.state],
      ];
    default:
      return policyCells(resource, wide);
  }
}
