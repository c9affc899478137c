/**
 * ORIGINATOR_ID and CLUSTER_LIST (RFC 4456 section 8, RFC 7606 sections 7.9 and 7.10): what a route reflector adds so that no route
 * comes back to where it was. Never outside an AS.
 */
import { AttributeType, UpdateError } from '../../iana.js';
import { readU32 } from '../reader.js';
import { type AttributeEntry, optionalNonTransitive } from './entry.js';

export const originatorId: AttributeEntry = {
  type: AttributeType.originatorId,
  name: 'ORIGINATOR_ID',
  flags: optionalNonTransitive,
  malformed: 'treat-as-withdraw',
  internalOnly: true,
  decode(bytes, start, end, _, into) {
    if (end - start !== 4) return UpdateError.attributeLengthError;
    into.originatorId = readU32(bytes, start);
    return undefined;
  },
  encode(writer, attributes, { ibgp }) {
    if (attributes.originatorId === undefined || !ibgp) return false;
    writer.u32(attributes.originatorId);
    return true;
  },
};

export const clusterList: AttributeEntry = {
  type: AttributeType.clusterList,
  name: 'CLUSTER_LIST',
  flags: optionalNonTransitive,
  malformed: 'treat-as-withdraw',
  internalOnly: true,
  decode(bytes, start, end, _, into) {
    if (end === start || (end - start) % 4 !== 0) return UpdateError.attributeLengthError;
    const clusters: number[] = [];
    for (let at = start; at < end; at += 4) clusters.push(readU32(bytes, at));
    into.clusterList = clusters;
    return undefined;
  },
  encode(writer, attributes, { ibgp }) {
    const { clusterList: clusters } = attributes;
    if (clusters === undefined || clusters.length === 0 || !ibgp) return false;
    for (const cluster of clusters) writer.u32(cluster);
    return true;
  },
};
