/** Hosts with address management on one store, as agents are: each knows the documents by its own watch. */
import type { ExecutionContext } from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import type {
  IPAMBlockResource,
  IPAMConfigurationResource,
  IPReservationResource,
} from '../../core/resources/cluster-documents.js';
import {
  type BlockAffinityResource,
  CALICO_API,
  type IPPoolResource,
  type Resource,
} from '../../core/resources/resource.js';
import { IpamDocuments } from '../../ipam/documents.js';
import { HostIpam } from '../../ipam/host-ipam.js';
import { type DurableRecord, passingRecord } from '../../ipam/host-record.js';
import { blockId } from '../../ipam/names.js';
import type { AllocationOutcome, AllocationRequest } from '../../ipam/request.js';
import type { Store } from '../../store/port.js';
import { cidr, pool } from '../agent/documents.js';
import { eventually } from '../support/eventually.js';

/** Both of its clocks. */
export interface SetClock {
  nowMs: number;
}

export interface TestHost {
  readonly ipam: HostIpam;
  readonly documents: IpamDocuments;
  readonly durable: DurableRecord;
  readonly clock: SetClock;
  give(handle: string, more?: Partial<AllocationRequest>): Promise<AllocationOutcome>;
}

export async function startHost(
  t: ExecutionContext,
  store: Store,
  name: string,
  durable: DurableRecord = passingRecord(),
  clock: SetClock = { nowMs: 1_000_000 },
): Promise<TestHost> {
  const documents = new IpamDocuments();
  const ending = new AbortController();
  t.teardown(() => ending.abort());
  let inSync = false;
  void (async () => {
    for await (const events of store.watch({ signal: ending.signal })) {
      for (const event of events) {
        if (event.kind === 'changed') documents.changed(event.stored.resource);
        else if (event.kind === 'deleted') documents.deleted(event.id);
        else if (event.kind === 'in-sync') inSync = true;
      }
    }
  })();
  await eventually(() => inSync);
  const context = { host: name, store, documents, durable, nowUnixMs: () => clock.nowMs };
  const ipam = new HostIpam(context, () => clock.nowMs);
  return {
    ipam,
    documents,
    durable,
    clock,
    give: (handle, more) => ipam.allocate(request(handle, name, more)),
  };
}

export function request(
  handle: string,
  node: string,
  more: Partial<AllocationRequest> = {},
): AllocationRequest {
  return { handle, node, use: 'Workload', attributes: {}, count: { ipv4: 1, ipv6: 0 }, ...more };
}

export function addressesOf(outcome: AllocationOutcome): readonly string[] {
  return outcome.kind === 'given' ? outcome.addresses.map(({ address }) => address) : [outcome.kind];
}

export function ipPool(
  name: string,
  prefix: string,
  more: Partial<IPPoolResource['spec']> = {},
): IPPoolResource {
  const made = pool(name, prefix);
  const blockSize = prefix.includes(':') ? 122 : 26;
  return { ...made, spec: { ...made.spec, blockSize, ...more } };
}

export function configuration(spec: Partial<IPAMConfigurationResource['spec']>): IPAMConfigurationResource {
  return {
    apiVersion: CALICO_API,
    kind: 'IPAMConfiguration',
    metadata: { name: 'default', labels: {}, annotations: {} },
    spec: {
      strictAffinity: false,
      maxBlocksPerHost: 20,
      autoAllocateBlocks: true,
      ipCooldownSeconds: 0,
      ...spec,
    },
  };
}

export function reservation(name: string, ...prefixes: string[]): IPReservationResource {
  const metadata = { name, labels: {}, annotations: {} };
  return {
    apiVersion: CALICO_API,
    kind: 'IPReservation',
    metadata,
    spec: { reservedCIDRs: prefixes.map(cidr) },
  };
}

export async function storedBlock(
  store: Store,
  prefix: string,
): Promise<IPAMBlockResource['spec'] | undefined> {
  const found = await store.get(blockId(cidr(prefix)));
  return found.kind === 'ok' ? (found.value.resource as IPAMBlockResource).spec : undefined;
}

/** `NODE CIDR STATE`, in order. */
export async function affinities(store: Store): Promise<readonly string[]> {
  const found = await store.list('BlockAffinity');
  if (found.kind === 'error') return [found.error.kind];
  return found.value
    .map(({ resource }) => (resource as BlockAffinityResource).spec)
    .map(({ node, cidr: prefix, state }) => `${node} ${prefix} ${state}`)
    .sort();
}

export async function put(store: Store, resource: Resource): Promise<void> {
  const written = await store.create(resource);
  if (written.kind === 'error') throw new Error(JSON.stringify(written.error));
}

export const address = (text: string) => text as IpAddress;
