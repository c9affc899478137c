/** What settings are made of: from text to a value, undefined where it is not allowed (pure). */
import type { BmpAdjRibIn } from '../../bgp/speaker/contract.js';
import {
  type AddressFamily,
  addressBits,
  addressFamily,
  type IpAddress,
  parseIpAddress,
} from '../../core/ip-address.js';
import { hostPrefix, isPrefix, type Prefix, parsePrefix } from '../../core/prefix.js';
import type { AddressWish } from '../node-address.js';

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** A monitoring station, and which routes it is told of. */
export interface BmpEndpoint extends Endpoint {
  readonly adjRibIn: BmpAdjRibIn;
}

export const path = (text: string) => (text.startsWith('/') ? text : undefined);

export function wholeNumber(least: number, most: number) {
  return (text: string) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  };
}

export function word<const T extends readonly string[]>(...words: T) {
  return (text: string): T[number] | undefined => (words.includes(text) ? text : undefined);
}

/** Of parts with commas between them; nothing at all is an empty list. */
export function listOf<T>(part: (text: string) => T | undefined) {
  return (text: string): readonly T[] | undefined => {
    if (text.trim() === '') return [];
    const values = text.split(',').map(one => part(one.trim()));
    return values.every(value => value !== undefined) ? values : undefined;
  };
}

/** An address is a network of one. */
export function parseNetwork(text: string): Prefix | undefined {
  const address = parseIpAddress(text);
  if (address !== undefined) return hostPrefix(address);
  const prefix = parsePrefix(text);
  return isPrefix(prefix) ? prefix : undefined;
}

export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (address === undefined || port < 1 || port > 65535) return undefined;
  return (match?.[1] === undefined) === (addressFamily(address) === 'ipv4') ? { address, port } : undefined;
}

const ADJ_RIBS_IN: readonly BmpAdjRibIn[] = ['pre-policy', 'post-policy', 'both'];

export function parseStation(text: string): BmpEndpoint | undefined {
  const [endpoint = '', which = 'pre-policy', ...more] = text.split('/');
  const place = parseEndpoint(endpoint);
  const adjRibIn = ADJ_RIBS_IN.find(each => each === which);
  return place === undefined || adjRibIn === undefined || more.length > 0
    ? undefined
    : { ...place, adjRibIn };
}

export function addressWish(family: AddressFamily) {
  return (text: string): AddressWish | undefined => {
    if (text === 'autodetect' || text === 'off') return { kind: text };
    const name = /^interface=([^\s/]{1,15})$/.exec(text)?.[1];
    if (name !== undefined) return { kind: 'interface', name };
    const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
    const address = parseIpAddress(match?.[1] ?? '');
    const prefixLength = match?.[2] === undefined ? undefined : Number(match[2]);
    if (address === undefined || addressFamily(address) !== family) return undefined;
    return (prefixLength ?? 0) > addressBits(family) ? undefined : { kind: 'address', address, prefixLength };
  };
}
