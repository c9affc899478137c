/** The paths below `/v1/ipam` and what may be sent to them (pure): every wrong field ends here with its name and what is allowed. */
import { type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import { ControlFailure } from './backend.js';
import type { IpamAssignRequest, IpamReleaseItem, IpamReleaseRequest } from './ipam-types.js';

export type IpamRequest =
  | { readonly kind: 'ipam-show' | 'ipam-addresses' | 'ipam-check' | 'ipam-assign' | 'ipam-release' }
  | { readonly kind: 'ipam-address'; readonly address: IpAddress };

/** Undefined: no such path. @throws ControlFailure */
export function routeIpam(method: string, path: readonly string[]): IpamRequest | undefined {
  switch (`${method} ${path.length === 2 ? `${path[0]}/` : path.join('/')}`) {
    case 'GET ':
      return { kind: 'ipam-show' };
    case 'GET check':
      return { kind: 'ipam-check' };
    case 'GET addresses':
      return { kind: 'ipam-addresses' };
    case 'GET addresses/':
      return { kind: 'ipam-address', address: parseAddress('address', path[1]) };
    case 'POST assign':
      return { kind: 'ipam-assign' };
    case 'POST release':
      return { kind: 'ipam-release' };
    default:
      return undefined;
  }
}

/** More than anybody needs for one handle. */
const MOST_ADDRESSES = 256;

/** @throws ControlFailure */
export function parseAssign(body: unknown): IpamAssignRequest {
  const fields = objectOf(body);
  const address = fields.address === undefined ? {} : { address: parseAddress('address', fields.address) };
  const { handle, node, namespace, pools } = fields;
  return {
    handle: parseText('handle', handle),
    ...(node === undefined ? {} : { node: parseText('node', node) }),
    ...(namespace === undefined ? {} : { namespace: parseText('namespace', namespace) }),
    ...parseCounts(fields),
    ...address,
    ...(pools === undefined ? {} : { pools: parsePools(pools) }),
    attributes: parseAttributes(fields.attributes),
  };
}

/** @throws ControlFailure */
export function parseRelease(body: unknown): IpamReleaseRequest {
  const { releases } = objectOf(body);
  if (!Array.isArray(releases))
    throw bad('releases', releases, '[{"handle": TEXT, "address": ADDRESS, "sequence": NUMBER}, ...]');
  return { releases: releases.map(parseReleaseItem) };
}

function parseReleaseItem(item: unknown): IpamReleaseItem {
  const { handle, address, sequence, attributes } = objectOf(item);
  if (handle === undefined && address === undefined && attributes === undefined)
    throw bad('releases', item, 'at least one of handle, address and attributes');
  if (sequence !== undefined && !Number.isSafeInteger(sequence))
    throw bad('sequence', sequence, 'a whole number');
  const named = parseAttributes(attributes);
  if (attributes !== undefined && Object.keys(named).length === 0)
    throw bad('attributes', attributes, 'at least one attribute: of every allocation would be too much');
  return {
    ...(handle === undefined ? {} : { handle: parseText('handle', handle) }),
    ...(address === undefined ? {} : { address: parseAddress('address', address) }),
    ...(sequence === undefined ? {} : { sequence: sequence as number }),
    ...(attributes === undefined ? {} : { attributes: named }),
  };
}

function parseCounts({ ipv4, ipv6 }: Readonly<Record<string, unknown>>) {
  const count = (field: string, value: unknown) => {
    if (value === undefined) return {};
    const isCount = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_ADDRESSES;
    if (!isCount) throw bad(field, value, `a whole number from 0 to ${MOST_ADDRESSES}`);
    return { [field]: value as number };
  };
  return { ...count('ipv4', ipv4), ...count('ipv6', ipv6) };
}

function parsePools(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0)
    throw bad('pools', value, 'a list of names or CIDRs of pools');
  return value.map(each => parseText('pools', each));
}

function parseAttributes(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const isTexts =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(each => typeof each === 'string');
  if (!isTexts) throw bad('attributes', value, 'an object of texts');
  return value as Readonly<Record<string, string>>;
}

/** A line of what people read. */
const LONGEST_TEXT = 512;

function parseText(field: string, value: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const isText = typeof value === 'string' && value !== '' && !/[\u0000-\u001f\u007f]/.test(value);
  if (!isText || value.length > LONGEST_TEXT)
    throw bad(field, value, `a text of 1 to ${LONGEST_TEXT} characters`);
  return value;
}

function parseAddress(field: string, value: unknown): IpAddress {
  const address = typeof value === 'string' ? parseIpAddress(value) : undefined;
  if (address === undefined) throw bad(field, value, 'an IP address');
  return address;
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw bad('body', body, 'a JSON object');
}

function bad(field: string, value: unknown, allowed: string): ControlFailure {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value);
  const error = value === undefined ? `"${field}" is missing` : `${field}: ${shown} is not ${allowed}`;
  return new ControlFailure(400, { error, field, value: shown, allowed });
}
