/**
 * Whether this host is one of the cluster (pure): its name is its own, and so is the address that it announces itself by. Until that is
 * known, and where it is not so, it announces nothing, writes nothing in its name, and leaves its kernel as it is.
 */
import type { AddressRival } from './address-claim.js';
import type { AddressVerdict } from './address-guard.js';
import type { LeaseSpec } from './lease-sight.js';
import type { NameVerdict } from './name-lease.js';

export type Standing =
  | { readonly kind: 'member' }
  /** Not known yet. */
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'withheld'; readonly reason: string };

/** @param address of what it announces itself by; undefined: it knows none, which is no matter of others */
export function standing(
  { nodeName, instance }: { readonly nodeName: string; readonly instance: string },
  name: NameVerdict,
  address: { readonly text: string; readonly verdict: AddressVerdict } | undefined,
): Standing {
  switch (name.kind) {
    case 'undecided':
      return { kind: 'pending', reason: undecidedWords(nodeName, name.rival) };
    case 'refused':
      return { kind: 'withheld', reason: refusedWords(nodeName, instance, name.rival) };
    case 'retired':
      return { kind: 'withheld', reason: retiredWords(nodeName) };
    case 'ours':
      return address === undefined ? { kind: 'member' } : addressStanding(address.text, address.verdict);
  }
}

/** Why this host goes without an address that another one has; undefined: it need not. */
export function takenWords(address: string, { move, rival }: AddressVerdict): string | undefined {
  if (move === 'announce' || rival === undefined) return undefined;
  const theirs = `${address} is the address of node ${rival.node}, too`;
  return move === 'wait'
    ? `${theirs}: it is being watched whether that host lives`
    : `${theirs}, ${rivalWords(rival)}`;
}

function addressStanding(address: string, verdict: AddressVerdict): Standing {
  const words = takenWords(address, verdict);
  if (words === undefined) return { kind: 'member' };
  if (verdict.move === 'wait') return { kind: 'pending', reason: words };
  return { kind: 'withheld', reason: `${words}. This host announces nothing until one of them has another` };
}

function rivalWords({ node, lease }: AddressRival): string {
  if (lease === undefined || lease === 'none')
    return `which no agent keeps: if that host is gone, bgpctl node delete ${node}`;
  return `which was there first: ${holderWords(lease.spec)}`;
}

function undecidedWords(nodeName: string, rival: LeaseSpec | undefined): string {
  if (rival === undefined) return `who has the node name ${nodeName} is being read from the store`;
  return `the node name ${nodeName} was held by another host, ${holderWords(rival)}: whether it lives is being watched, for ${rival.durationSeconds} s at least`;
}

function refusedWords(nodeName: string, instance: string, rival: LeaseSpec): string {
  if (rival.instance === instance)
    return `the node name ${nodeName} is held by another process with the identity of this host, ${holderWords(rival)}: one of the two machines is a copy of the other. This one announces nothing; remove the file "instance" in the state directory of the copy, and give it a nodeName of its own`;
  return `the node name ${nodeName} is that of another host, ${holderWords(rival)}, which renews it. This one announces nothing until that one is gone, or it has another nodeName`;
}

function retiredWords(nodeName: string): string {
  return `node ${nodeName} was deleted by bgpctl node delete --force while its agent ran. The agent has said goodbye; restarted, it registers anew`;
}

/** "instance 1f0c... with 10.0.0.1, since 2026-11-26T07:06:01Z". */
export function holderWords({ instance, addresses, sinceUnixMs }: LeaseSpec): string {
  const at = (addresses ?? []).map(({ address }) => address).join(' and ');
  const since = new Date(sinceUnixMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `instance ${instance}${at === '' ? '' : ` with ${at}`}, since ${since}`;
}
