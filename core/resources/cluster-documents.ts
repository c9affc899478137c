/**
 * The documents that keep a cluster together: address management, topology, and the records that agents keep for each other. Shapes after parsing, as
 * in `resource.ts`.
 */
import type { IpAddress } from '../ip-address.js';
import type { Prefix } from '../prefix.js';
import type { CalicoDocument, MargayDocument } from './resource.js';

/** `default` is the one that counts. */
export type IPAMConfigurationResource = CalicoDocument<
  'IPAMConfiguration',
  {
    /** A host takes addresses out of blocks of its own alone. */
    readonly strictAffinity: boolean;
    readonly maxBlocksPerHost: number;
    readonly autoAllocateBlocks: boolean;
    /** For which an address that was released is given to nobody. */
    readonly ipCooldownSeconds: number;
  }
>;

/** Addresses that are never given out by themselves. */
export type IPReservationResource = CalicoDocument<
  'IPReservation',
  { readonly reservedCIDRs: readonly Prefix[] }
>;

/**
 * A record: a block and who has which of its addresses, named after its CIDR. What it says of an address is what counts. It outlives its
 * claims: what it says of the past tells a host that was away whether its claim was given up or forgotten (`ipam/precedence.ts`).
 */
export type IPAMBlockResource = MargayDocument<
  'IPAMBlock',
  {
    readonly cidr: Prefix;
    /** Whose block it is; absent: nobody's. */
    readonly node?: string;
    /** Absent where it is nobody's, and where a person gave it to the node by a BlockAffinity. */
    readonly claimedUnixMs?: number;
    /** The `sequence` of the claim; of a block of nobody, that of the last one. */
    readonly claim: number;
    /** The `claim` before that one; 0: it was the first. */
    readonly claimAfter: number;
    /** Grows with every write, and is never less than the time of it in milliseconds: also over what a store has forgotten. */
    readonly sequence: number;
    /** In order of their addresses. */
    readonly allocations: readonly IPAMAllocation[];
    /** Free ones that were in use, the longest free first; they are given out after those that never were. */
    readonly released: readonly IPAMRelease[];
  }
>;

export interface IPAMAllocation {
  readonly address: IpAddress;
  readonly handle: string;
  /** The host that uses it: another one than the block's where it is borrowed. */
  readonly node: string;
  /** That of the block when it was given out: the same address given out again has another. */
  readonly sequence: number;
  /** The `sequence` of the allocation of this address that was released before it; 0: there was none. */
  readonly after: number;
  readonly allocatedUnixMs: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface IPAMRelease {
  readonly address: IpAddress;
  /** Of the allocation that was released. */
  readonly sequence: number;
  readonly releasedUnixMs: number;
}

/** A record: in which blocks a handle's addresses may be. Written before the block, and removed after it. */
export type IPAMHandleResource = MargayDocument<
  'IPAMHandle',
  { readonly handle: string; readonly blocks: readonly { readonly cidr: Prefix }[] }
>;

/** What people want of the sessions between hosts; `default` is the one that counts. */
export type BGPTopologyResource = MargayDocument<
  'BGPTopology',
  {
    readonly mode: 'auto' | 'mesh' | 'reflectors';
    /** Of `auto`: hosts up to which it keeps a mesh. */
    readonly meshLimit: number;
    /** How many; absent: by the number of hosts. */
    readonly reflectors?: number;
    readonly sessionsPerClient: number;
    /** A label of nodes over whose values reflectors are spread. */
    readonly spreadBy?: string;
    /** Which nodes may become reflectors. */
    readonly reflectorSelector: string;
    /** How long a reflector is silent before another takes its place. */
    readonly replaceAfterSeconds: number;
  }
>;

/** What the controller made of it: hosts peer by both arrangements until the new one is in sync. */
export type TopologyPlanResource = MargayDocument<
  'TopologyPlan',
  {
    /** Counts the arrangements. */
    readonly generation: number;
    /** When `current` was decided; for people. */
    readonly decidedUnixMs: number;
    readonly current: TopologyArrangement;
    /** The one that every host had before, kept until `current` is in sync everywhere. */
    readonly previous?: TopologyArrangement;
    /** Nodes that were replaced for their silence, and are not to be elected for a while. */
    readonly heldDown: readonly string[];
    /** Another arrangement is wanted, and waits so long because the plan has changed lately; for people. */
    readonly nextChangeUnixMs?: number;
    /** Why it is so, in sentences. */
    readonly reasons: readonly string[];
  }
>;

/** Who peers with whom: everything that both ends of a session must know to agree on it, but the names of the hosts. */
export interface TopologyArrangement {
  readonly mode: 'mesh' | 'reflectors';
  /** In the order of their names; none in a mesh. */
  readonly reflectors: readonly PlannedReflector[];
  readonly sessionsPerClient: number;
  /** The label whose values `spread` holds. */
  readonly spreadBy?: string;
}

export interface PlannedReflector {
  readonly node: string;
  /** Its value of the label; absent where it has none. */
  readonly spread?: string;
}

/**
 * A record: who holds a name or a part for now. Others see by its renewals, measured by their own clocks, that the holder lives; the time
 * in it is for people.
 */
export type LeaseResource = MargayDocument<
  'Lease',
  {
    /** The name of its node. */
    readonly holder: string;
    /** Of the host, over restarts of its agent. */
    readonly instance: string;
    /** Of the agent's process. */
    readonly process: string;
    /** Of a host's name: of the kernel that the agent runs under, another one after each boot. */
    readonly boot?: string;
    /** Of a host's name: by what addresses it announces itself. */
    readonly addresses?: readonly LeaseAddress[];
    /** The number of the claim by which it is held: who holds it by a lower one was there first. */
    readonly term: number;
    /** Grows with every sign of life. */
    readonly renewals: number;
    /** Without a sign of life for so long the holder is taken for gone. */
    readonly durationSeconds: number;
    /** When this instance claimed it. */
    readonly sinceUnixMs: number;
    readonly renewedUnixMs: number;
    /** Of a host's name: it was taken from its holder by hand, who is to leave. */
    readonly retired?: boolean;
  }
>;

export interface LeaseAddress {
  readonly address: IpAddress;
  readonly sinceUnixMs: number;
}

/** A record: what a host's agent sees, for those who look from elsewhere. */
export type NodeReportResource = MargayDocument<
  'NodeReport',
  { readonly reportedUnixMs: number; readonly version: string } & Readonly<Record<string, unknown>>
>;

export type ClusterResource =
  | IPAMConfigurationResource
  | IPReservationResource
  | IPAMBlockResource
  | IPAMHandleResource
  | BGPTopologyResource
  | TopologyPlanResource
  | LeaseResource
  | NodeReportResource;
