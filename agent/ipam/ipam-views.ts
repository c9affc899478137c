/** Address management as the control API shows it. The records are read from the store each time. */
import { addressFamily, type IpAddress } from '../../core/ip-address.js';
import { readRecords } from '../../ipam/collect.js';
import { Unavailable } from '../../ipam/context.js';
import type { HostIpam } from '../../ipam/host-ipam.js';
import { cures, inconsistencies, type Records } from '../../ipam/inconsistencies.js';
import { tunnelNode } from '../../ipam/names.js';
import type { AllocationRequest } from '../../ipam/request.js';
import { addressView, givenAddresses, poolUsages } from '../../ipam/usage.js';
import { ControlFailure, type IpamBackend } from '../control/backend.js';
import type {
  AddressView,
  IpamAddressesView,
  IpamAssignment,
  IpamAssignRequest,
  IpamCheckView,
  IpamReleaseItem,
  IpamReleaseResult,
  IpamView,
} from '../control/ipam-types.js';

export interface IpamViewsOptions {
  readonly ipam: HostIpam;
  /** Why nothing is done in this host's name; undefined: it is. */
  readonly withheld: () => string | undefined;
}

export class IpamViews implements IpamBackend {
  readonly #options: IpamViewsOptions;

  constructor(options: IpamViewsOptions) {
    this.#options = options;
  }

  async show(): Promise<IpamView> {
    const { documents, blocks } = await this.#records();
    return { pools: poolUsages(documents, blocks) };
  }

  async addresses(): Promise<IpamAddressesView> {
    const { documents, blocks } = await this.#records();
    return { addresses: givenAddresses(documents, blocks) };
  }

  async address(address: IpAddress): Promise<AddressView> {
    const { documents, blocks } = await this.#records();
    return addressView(documents, blocks, address);
  }

  async check(): Promise<IpamCheckView> {
    const records = await this.#records();
    const { documents, blocks, handles } = records;
    const byHost = new Map<string, number>();
    for (const { node } of blocks.flatMap(({ allocations }) => allocations))
      byHost.set(node, (byHost.get(node) ?? 0) + 1);
    return {
      blocks: blocks.length,
      pools: documents.pools.length,
      handles: handles.length,
      endpoints: documents.endpoints,
      hosts: [...byHost]
        .map(([node, addresses]) => ({ node, addresses }))
        .sort((a, b) => b.addresses - a.addresses || (a.node < b.node ? -1 : 1)),
      problems: inconsistencies(records).map(found => ({ ...found, cure: cures[found.name] })),
    };
  }

  async assign(request: IpamAssignRequest): Promise<IpamAssignment> {
    const { ipam } = this.#options;
    this.#refuseIfWithheld();
    const wanted = allocationRequest(request, ipam.context.host);
    this.#refuseUnknown(request.node);
    const outcome = await ipam.allocate(wanted);
    switch (outcome.kind) {
      case 'given':
        return { handle: wanted.handle, node: wanted.node, addresses: outcome.addresses };
      case 'none':
        throw new ControlFailure(409, { error: `no address: ${outcome.reasons.join('; ')}` });
      case 'unavailable':
        throw unavailable(outcome.detail);
    }
  }

  async release(releases: readonly IpamReleaseItem[]): Promise<readonly IpamReleaseResult[]> {
    this.#refuseIfWithheld();
    const results: IpamReleaseResult[] = [];
    for (const asked of releases) results.push(await this.#releaseOne(asked));
    return results;
  }

  async #releaseOne(asked: IpamReleaseItem): Promise<IpamReleaseResult> {
    const { address, ...rest } = asked;
    const refused = this.#neededByTunnels(asked);
    if (refused !== undefined) return { asked, released: [], refused };
    const outcome = await this.#options.ipam.release({
      ...rest,
      ...(address === undefined ? {} : { address: address as IpAddress }),
    });
    switch (outcome.kind) {
      case 'released':
        return { asked, released: outcome.addresses, refused: null };
      case 'refused': {
        const { handle, node, sequence } = outcome.allocation;
        const refused = `${outcome.allocation.address} is in use by handle ${handle} on ${node}, sequence ${sequence}`;
        return { asked, released: [], refused };
      }
      case 'unavailable':
        throw unavailable(outcome.detail);
    }
  }

  /** Its host would take it again, and lose what travels by it until then. */
  #neededByTunnels({ address, handle }: IpamReleaseItem): string | undefined {
    const { documents } = this.#options.ipam.context;
    const users = address === undefined ? [] : documents.usersOf(address as IpAddress);
    const ofHandle = tunnelNode(handle ?? '');
    const user = users.find(one => one.startsWith('Node/'))?.slice('Node/'.length);
    const node = user ?? (ofHandle !== undefined && documents.hasNode(ofHandle) ? ofHandle : undefined);
    if (node === undefined) return undefined;
    return `${address ?? `handle ${handle}`} is what node ${node} has inside its tunnels: it goes with its Node, by bgpctl node delete`;
  }

  #refuseIfWithheld(): void {
    const reason = this.#options.withheld();
    if (reason !== undefined) throw new ControlFailure(409, { error: reason });
  }

  /** Nobody would announce a block that was claimed for it. */
  #refuseUnknown(node: string | undefined): void {
    const { host, documents } = this.#options.ipam.context;
    if (node === undefined || node === host || documents.hasNode(node)) return;
    throw new ControlFailure(409, { error: `no address: there is no node ${node}` });
  }

  async #records(): Promise<Records> {
    try {
      return await readRecords(this.#options.ipam.context.store);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      throw new ControlFailure(503, { error: `the records of addresses cannot be read: ${error.message}` });
    }
  }
}

/** One address where no number is given: of the family of the address that is named, else IPv4. */
function allocationRequest(
  { handle, node, ipv4, ipv6, address, pools, namespace, attributes = {} }: IpamAssignRequest,
  ownName: string,
): AllocationRequest {
  const family = address === undefined ? 'ipv4' : addressFamily(address);
  const usual = { ipv4: 0, ipv6: 0, [family]: 1 };
  const counted = address === undefined && (ipv4 !== undefined || ipv6 !== undefined);
  const ofNamespace = namespace ?? attributes.namespace;
  return {
    handle,
    node: node ?? ownName,
    use: 'Workload',
    attributes,
    count: counted ? { ipv4: ipv4 ?? 0, ipv6: ipv6 ?? 0 } : usual,
    ...(pools === undefined ? {} : { pools }),
    ...(ofNamespace === undefined ? {} : { namespace: ofNamespace }),
    ...(address === undefined ? {} : { address: address as IpAddress }),
  };
}

function unavailable(detail: string): ControlFailure {
  return new ControlFailure(503, { error: `${detail}; nothing is known to be changed: ask again` });
}
