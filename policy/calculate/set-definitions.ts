/**
 * What a set of addresses is made of. Its id says the content (a hash of it), not who asks for it: equal selectors give one set on every
 * host, before and after a restart.
 */
import { canonicalSelector } from '../../core/selector/canonical.js';
import type { Selector } from '../../core/selector.js';
import { base64url, sha224 } from '../../core/sha224.js';
import type { SetId } from '../model.js';
import type { SharedSelector } from './label-index.js';

export type SetDefinition =
  | { readonly id: SetId; readonly kind: 'nets'; readonly what: string; readonly members: SharedSelector }
  | {
      readonly id: SetId;
      readonly kind: 'ports';
      readonly what: string;
      /** Whose ports. */
      readonly members: SharedSelector;
      readonly port: NamedPort;
    };

/** A port of one protocol (its IANA number), or of whichever has a port of that name. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: number | undefined;
}

/** Addresses of everything that the selector selects. */
export function addressesOf(selector: Selector): SetDefinition {
  const members = shared(selector);
  const id = identified(`s:${members.canonical}`);
  return { id, kind: 'nets', what: members.canonical, members };
}

/** Ports of that name of everything that the selector selects. */
export function portsOf(selector: Selector, port: NamedPort): SetDefinition {
  const members = shared(selector);
  const what = `port ${port.name}, protocol ${port.protocol ?? 'any'}, of ${members.canonical}`;
  return { id: identified(`p:${what}`), kind: 'ports', what, members, port };
}

export function shared(selector: Selector): SharedSelector {
  return { canonical: canonicalSelector(selector), selector };
}

/** 120 bits: short enough for the name of an ipset. */
function identified(content: string): SetId {
  return `s:${base64url(sha224(content)).slice(0, 20)}`;
}
