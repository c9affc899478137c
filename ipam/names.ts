/** What the documents of address management are called (pure). Blocks and affinities have Calico's names. */
import { type Prefix, prefixAddress, prefixLength } from '../core/prefix.js';
import { type ResourceId, resourceNamePattern } from '../core/resources/resource.js';
import { sha224 } from '../core/sha224.js';

/** `10-244-0-0-26`; `fd00-10-244---122`. A name begins with a letter or digit, as "::" does not. */
export function blockName(cidr: Prefix): string {
  const name = `${prefixAddress(cidr)}/${prefixLength(cidr)}`.replaceAll(/[.:/]/g, '-');
  return name.startsWith('-') ? `0${name}` : name;
}

/** `HOST-10-244-0-0-26`. */
export function affinityName(node: string, cidr: Prefix): string {
  return fitting(`${node}-${blockName(cidr)}`);
}

/** The handle itself where it can be a name, else what is left of it and a hash. */
export function handleName(handle: string): string {
  const isName = resourceNamePattern.test(handle) && handle.length <= LONGEST && !HASHED.test(handle);
  return isName ? handle : hashed(handle);
}

/** Of a host's addresses inside its tunnels. */
export function tunnelHandle(node: string): string {
  return `${TUNNEL}${node}`;
}

/** Whose tunnels a handle is for; undefined: it is for something else. */
export function tunnelNode(handle: string): string | undefined {
  return handle.startsWith(TUNNEL) ? handle.slice(TUNNEL.length) : undefined;
}

export function blockId(cidr: Prefix): ResourceId {
  return { kind: 'IPAMBlock', name: blockName(cidr) };
}

export function affinityId(node: string, cidr: Prefix): ResourceId {
  return { kind: 'BlockAffinity', name: affinityName(node, cidr) };
}

export function handleId(handle: string): ResourceId {
  return { kind: 'IPAMHandle', name: handleName(handle) };
}

const TUNNEL = 'tunnel-';
/** RFC 1123 allows 253 characters. */
const LONGEST = 253;
/** A plain one has no such end by chance. */
const HASHED = /\.[0-9a-f]{56}$/;
const READABLE_CHARACTERS = 60;

function fitting(name: string): string {
  return name.length <= LONGEST ? name : hashed(name);
}

function hashed(text: string): string {
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, READABLE_CHARACTERS)
    .replaceAll(/^-+|-+$/g, '');
  const hash = [...sha224(text)].map(byte => byte.toString(16).padStart(2, '0')).join('');
  return `${readable === '' ? 'handle' : readable}.${hash}`;
}
