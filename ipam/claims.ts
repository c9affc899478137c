/**
 * SHELL: blocks claimed and given back, each step a compare-and-swap.
 *
 * Claim: the host's BlockAffinity says `pending`, which nobody routes by; the IPAMBlock's `node` becomes the host, or is somebody's
 * already: there it is decided; the host's record keeps it; the BlockAffinity says `confirmed`. A block is given back in the opposite order: the
 * affinity says `pendingDeletion`, the block has no node, the affinity goes. So a confirmed affinity has its block, and who is
 * interrupted anywhere finds by the affinity what is left to be done.
 */
import type { Prefix } from '../core/prefix.js';
import type { IPAMBlockResource } from '../core/resources/cluster-documents.js';
import { type BlockAffinityResource, CALICO_API, type ResourceId } from '../core/resources/resource.js';
import { type Block, blockResource, claimed, givenUp, newBlock, touched } from './block.js';
import { certain, type IpamContext, keep, Unavailable } from './context.js';
import { claimOf } from './host-record.js';
import { modify } from './modify.js';
import { affinityId, affinityName, blockId } from './names.js';

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly block: Block }
  /** It is another host's. */
  | { readonly kind: 'taken'; readonly by: string };

/** How often a claim is begun anew that somebody has swept away meanwhile. */
const ATTEMPTS = 3;

/** @throws Unavailable */
export async function claimBlock(context: IpamContext, node: string, cidr: Prefix): Promise<ClaimOutcome> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await announce(context, node, cidr);
    const outcome = await takeBlock(context, node, cidr, false);
    if (outcome.kind === 'taken') {
      await withdraw(context, node, cidr, 'pending');
      return outcome;
    }
    if (await confirm(context, node, cidr)) return outcome;
  }
  throw new Unavailable(`the claim on ${cidr} was swept away ${ATTEMPTS} times`);
}

/** Of a block that a person's BlockAffinity gives to the node: its record. @throws Unavailable */
export function adoptBlock(context: IpamContext, node: string, cidr: Prefix): Promise<ClaimOutcome> {
  return takeBlock(context, node, cidr, true);
}

/** @returns whether the affinity is confirmed now @throws Unavailable */
export async function confirm(context: IpamContext, node: string, cidr: Prefix): Promise<boolean> {
  const { resource } = certain(
    await modify<BlockAffinityResource>(context.store, affinityIdOf(context, node, cidr), found => {
      if (found === undefined || found.spec.state === 'confirmed') return { kind: 'leave' };
      return { kind: 'put', resource: affinity(node, cidr, 'confirmed', found) };
    }),
  );
  return resource !== undefined;
}

/** It is confirmed now, also where there was none: for who knows that the block is the node's. @throws Unavailable */
export async function putConfirmed(context: IpamContext, node: string, cidr: Prefix): Promise<void> {
  certain(
    await modify<BlockAffinityResource>(context.store, affinityIdOf(context, node, cidr), found => {
      if (found?.spec.state === 'confirmed') return { kind: 'leave' };
      return { kind: 'put', resource: affinity(node, cidr, 'confirmed', found) };
    }),
  );
}

/**
 * @param mayGo asked about the block as it is, by whoever looks: only then it is given back
 * @returns whether it is the node's no longer @throws Unavailable
 */
export async function giveUpBlock(
  context: IpamContext,
  node: string,
  cidr: Prefix,
  mayGo: (block: Block) => boolean,
): Promise<boolean> {
  const { store, nowUnixMs } = context;
  certain(
    await modify<BlockAffinityResource>(store, affinityIdOf(context, node, cidr), found => {
      if (found === undefined || found.spec.state === 'pendingDeletion') return { kind: 'leave' };
      return { kind: 'put', resource: affinity(node, cidr, 'pendingDeletion', found) };
    }),
  );
  const { resource } = certain(
    await modify<IPAMBlockResource>(store, blockId(cidr), found => {
      if (found?.spec.node !== node || !mayGo(found.spec)) return { kind: 'leave' };
      return { kind: 'put', resource: blockResource(givenUp(found.spec, nowUnixMs())) };
    }),
  );
  if (resource?.spec.node === node) {
    await putConfirmed(context, node, cidr);
    return false;
  }
  await withdraw(context, node, cidr, 'pendingDeletion');
  if (node === context.host) await keep(context, [{ kind: 'gave-up', cidr }]);
  return true;
}

/** The affinity goes, whatever it says, or only while it is in a state. @throws Unavailable */
export async function withdraw(
  context: Pick<IpamContext, 'store' | 'documents'>,
  node: string,
  cidr: Prefix,
  state?: BlockAffinityResource['spec']['state'],
): Promise<void> {
  certain(
    await modify<BlockAffinityResource>(context.store, affinityIdOf(context, node, cidr), found =>
      found === undefined || (state !== undefined && found.spec.state !== state)
        ? { kind: 'leave' }
        : { kind: 'delete' },
    ),
  );
}

async function announce(context: IpamContext, node: string, cidr: Prefix): Promise<void> {
  certain(
    await modify<BlockAffinityResource>(context.store, affinityIdOf(context, node, cidr), found =>
      found === undefined || found.spec.state === 'pendingDeletion'
        ? { kind: 'put', resource: affinity(node, cidr, 'pending', found) }
        : { kind: 'leave' },
    ),
  );
}

/** What was read to be ours counts once it was written again: a read may be an old one. */
async function takeBlock(
  context: IpamContext,
  node: string,
  cidr: Prefix,
  byHand: boolean,
): Promise<ClaimOutcome> {
  const { store, nowUnixMs, host } = context;
  const modified = certain(
    await modify<IPAMBlockResource>(
      store,
      blockId(cidr),
      found => {
        const block = found?.spec ?? newBlock(cidr);
        if (block.node !== undefined && block.node !== node) return { kind: 'leave' };
        const taken =
          block.node === node ? touched(block, nowUnixMs()) : claimed(block, node, nowUnixMs(), byHand);
        return { kind: 'put', resource: blockResource(taken) };
      },
      context.host,
    ),
  );
  const block = modified.resource?.spec;
  if (modified.kind !== 'written' || block === undefined) return { kind: 'taken', by: block?.node ?? '' };
  if (node === host) await keep(context, [{ kind: 'claimed', claim: claimOf(block) }]);
  return { kind: 'claimed', block };
}

/** A person may have called it otherwise. */
function affinityIdOf({ documents }: Pick<IpamContext, 'documents'>, node: string, cidr: Prefix): ResourceId {
  const written = documents.affinitiesOf(node).find(({ spec }) => spec.cidr === cidr);
  return written === undefined
    ? affinityId(node, cidr)
    : { kind: 'BlockAffinity', name: written.metadata.name };
}

function affinity(
  node: string,
  cidr: Prefix,
  state: BlockAffinityResource['spec']['state'],
  found: BlockAffinityResource | undefined,
): BlockAffinityResource {
  const metadata = found?.metadata ?? { name: affinityName(node, cidr), labels: {}, annotations: {} };
  return {
    apiVersion: CALICO_API,
    kind: 'BlockAffinity',
    metadata,
    spec: { ...found?.spec, node, cidr, state },
  };
}
