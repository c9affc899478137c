/**
 * Names of chains and sets: short enough for the kernel, the same for the same thing at every time and on every host. What does not fit, or
 * has characters that the tools read in their own way, is named by a digest, which nobody can make collide by the choice of a name.
 * (`node:crypto` is used as a pure function.)
 */
import { createHash } from 'node:crypto';
import type { AddressFamily } from '../../core/ip-address.js';
import type { SetId } from '../model.js';
import { CHAIN_PREFIX, MAX_CHAIN_NAME, SET_PREFIX } from '../rendered.js';

/** @param kind e.g. "pi-", for policies' ingress @param id what the chain is for */
export function chainName(kind: string, id: string): string {
  const prefix = `${CHAIN_PREFIX}${kind}`;
  const plain = `${prefix}${id}`;
  if (/^[A-Za-z0-9.-][A-Za-z0-9._-]*$/.test(id) && plain.length <= MAX_CHAIN_NAME) return plain;
  return `${prefix}_${digest(id)}`.slice(0, MAX_CHAIN_NAME);
}

const families: Readonly<Record<AddressFamily, string>> = { ipv4: '4', ipv6: '6' };

/** Of a set of policy. */
export function setName(family: AddressFamily, id: SetId): string {
  return `${SET_PREFIX}${families[family]}-${digest(id).slice(0, 24)}`;
}

/** Of a set of ours that no policy names: "pools", or "from-" and the name of a tunnel's device. */
export function ownSetName(family: AddressFamily, what: string): string {
  return `${SET_PREFIX}${families[family]}_${what}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
