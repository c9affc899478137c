/** The keys of one cluster: all with one hash tag, so that a Redis Cluster keeps them on one node. */
import type { ResourceKind } from '../../core/resources/resource.js';

/** What stands before every key of a cluster is this in braces. */
export const DEFAULT_KEY_PREFIX = 'margay';

export interface Keys {
  /** A hash: revision, hash of the log, id of the cluster, copies. */
  readonly head: string;
  /** A hash: documents by their ids, each behind its revision and a line feed. */
  readonly documents: string;
  /** A stream: every change in order, its entries numbered by revision. */
  readonly log: string;
  /** A hash: what this primary knows of those who claim things, and who of them has written back what he holds. */
  readonly claimants: string;
  /** A hash for each kind: records by their names, like documents. */
  records(kind: ResourceKind): string;
}

/** @param prefix letters, digits, "-", "_", "." and ":" */
export function keysOf(prefix: string): Keys {
  const tag = `{${prefix}}`;
  return {
    head: `${tag}:head`,
    documents: `${tag}:documents`,
    log: `${tag}:log`,
    claimants: `${tag}:claimants`,
    records: kind => `${tag}:records:${kind}`,
  };
}

/** A user who may do what an agent does and nothing else, for `ACL SETUSER` or a file of users. The password is left to its author. */
export function aclLine(user: string, prefix: string): string {
  const commands = [
    'eval',
    'hget',
    'hmget',
    'hset',
    'hdel',
    'hscan',
    'hincrby',
    'xadd',
    'xread',
    'xrange',
    'del',
  ];
  const others = ['wait', 'ping', 'role', 'info', 'time', 'cluster|slots', 'client|setname'];
  const allowed = [...commands, ...others].map(command => `+${command}`).join(' ');
  return `user ${user} on ~{${prefix}}:* resetchannels -@all ${allowed}`;
}
