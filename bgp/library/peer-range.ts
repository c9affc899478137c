/** Ranges of dynamic peers as a user of `margay/bgp` writes them, checked and turned into the speaker's plain configuration (pure). */
import { prefixAddress } from '../../core/prefix.js';
import type { AsnRange, PeerRangeConfig } from '../speaker/contract.js';
import { numberOption, OptionError } from './option-values.js';
import { asnOption, type PeerOptions, peerConfig, prefixOption } from './options.js';

/** What stands in {@link PeerOptions} besides is that of each of its peers. */
export interface PeerRangeOptions
  extends Omit<PeerOptions, 'address' | 'asn' | 'port' | 'localAddress' | 'passive'> {
  readonly prefix: string;
  /** Which AS numbers a peer may have: numbers and pairs of a first and a last one, our own alone, or any. */
  readonly asns: 'any' | 'internal' | readonly (number | readonly [number, number])[];
  /** Most peers at a time, 1 to 65535; by default 100. */
  readonly limit?: number;
  /** How long a peer without a session is remembered, 1 to 86400; by default 60. */
  readonly idleRemovalSeconds?: number;
}

/** @throws OptionError */
export function peerRangeConfig(options: PeerRangeOptions): PeerRangeConfig {
  const { asns, limit = 100, idleRemovalSeconds = 60, ...common } = options;
  const prefix = prefixOption('prefix', options.prefix);
  const like = peerConfig({ name: prefix, ...common, address: prefixAddress(prefix), asn: 1 });
  const { key: _key, address: _address, asn: _asn, passive: _passive, ...template } = like;
  return {
    key: prefix,
    prefix,
    asns: asns === 'any' || asns === 'internal' ? asns : asnRanges(asns),
    limit: numberOption('limit', limit, 1, 65535),
    idleRemovalSeconds: numberOption('idleRemovalSeconds', idleRemovalSeconds, 1, 86400),
    template,
  };
}

function asnRanges(asns: readonly (number | readonly [number, number])[]): readonly AsnRange[] {
  const allowed = '"any", "internal", or a list of AS numbers and pairs of a first and a last one';
  if (!Array.isArray(asns) || asns.length === 0) throw new OptionError('asns', asns, allowed);
  return asns.map((one: number | readonly [number, number], i) => {
    const [first, last] = typeof one === 'object' ? one : [one, one];
    const field = `asns[${i}]`;
    const range = { first: asnOption(field, first), last: asnOption(field, last) };
    if (range.first > range.last) throw new OptionError(field, one, 'a first and a last AS number');
    return range;
  });
}
