/** What an agent is made of: the ports it works through, and everything about it that changes. */

import type { Family } from '../bgp/family.js';
import type { BmpStationConfig, GracefulRestartConfig } from '../bgp/speaker/contract.js';
import type { Asn } from '../core/asn.js';
import type { Clock } from '../core/clock.js';
import type { AddressFamily } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { DurableRecord } from '../ipam/host-record.js';
import type { Prober } from '../ipip/check/probe.js';
import type { HostIntent, KernelFacts } from '../ipip/kernel-facts.js';
import type { TunnelHost } from '../ipip/tunnel-driver.js';
import type { InvalidDocument, Store } from '../store/port.js';
import type { BfdHost, BfdHostHandler } from './bfd-host.js';
import type { AgentMode } from './calculators/peer-context.js';
import type { ConditionView } from './control/types.js';
import type { FilterPorts } from './filter/ports.js';
import type { HostIdentity } from './host-identity.js';
import type { PasswordReader } from './host-passwords.js';
import type { NodeAddressChoice } from './node-address.js';
import type { PeerShutdowns } from './peer-shutdowns.js';
import type { SpeakerHost, SpeakerHostHandler } from './speaker-host.js';
import type { TunnelGuards } from './tunnel-guards.js';
import type { UdpDataPath } from './udp-data-path.js';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AgentOptions {
  readonly nodeName: string;
  /** Of the program. */
  readonly version: string;
  readonly store: Store;
  /** Monitoring stations (BMP) that the speaker dials. */
  readonly bmpStations?: readonly Pick<BmpStationConfig, 'address' | 'port' | 'adjRibIn'>[];
  readonly clock: Clock;
  /** The same, but that it goes on while the machine sleeps; absent: {@link clock}. */
  readonly sleeplessClock?: Clock;
  /** Who this host and this process are to the others. */
  readonly identity: HostIdentity;
  readonly log: Log;
  readonly gracefulRestart: GracefulRestartConfig;
  /** Routes of ours were found in the kernel at start. */
  readonly restarting: boolean;
  /** Undefined: a host of the cluster. */
  readonly mode?: AgentMode;
  readonly dataplane: 'linux' | 'none';
  readonly metric: number;
  /** What this host's address is, or why it cannot be told. */
  readonly nodeAddress: (family: AddressFamily) => NodeAddressChoice;
  /** Absent: that of its Node document. */
  readonly asNumber?: Asn;
  /** The kernel was read: what {@link nodeAddress} says may be something else now. */
  readonly looked?: (facts: KernelFacts) => void;
  /** Of the Linux dataplane. */
  readonly tunnels?: AgentTunnels;
  /** Absent: no policy is enforced here. */
  readonly filter?: FilterPorts;
  /** For people, e.g. the store's directory. */
  readonly storeLocation: string;
  /** Who listens on a TCP port of this host. */
  readonly portHolder: (port: number) => { readonly pid: number; readonly command: string } | undefined;
  /** Passwords in files and variables of this host; undefined: there are none. */
  readonly readPassword?: PasswordReader;
  /** What stands in the way of forwarding on this host. */
  readonly hostConditions: () => readonly ConditionView[];
  /** This host announces nothing, or does no longer: its name or its address is another's, or may be. */
  readonly withheld?: (reason: string) => void;
  /** What the documents say of this host has changed. */
  readonly intentChanged?: (intent: HostIntent) => void;
  /** What this host keeps of its addresses; absent: it manages none. */
  readonly addressRecord?: DurableRecord;
  /** By default in memory alone. */
  readonly peerShutdowns?: PeerShutdowns;
  readonly startSpeaker: (handler: SpeakerHostHandler) => SpeakerHost;
  /** Absent: peers that ask for BFD do without. */
  readonly startBfd?: (handler: BfdHostHandler) => BfdHost;
}

export interface AgentTunnels {
  readonly host: Omit<TunnelHost, 'guardOf'>;
  /** @param changed called after the guard's rules have changed */
  readonly newGuards: (changed: () => void) => TunnelGuards;
  /** @param changed called after what it says of itself has changed */
  readonly newUdp: (changed: () => void) => UdpDataPath;
  readonly prober: Prober;
  /** Hosts outside the cluster that may send tunnelled packets. */
  readonly externalNodes: readonly Prefix[];
  /** Leaves everything as it is. */
  readonly close: () => void;
}

/** Everything about the agent that changes, as `status` wants it. */
export interface AgentState {
  store: 'loading' | 'in-sync' | 'unavailable';
  storeDetail: string;
  /** What is in force is a copy from before this process. */
  storeCopy: boolean;
  /** Since when it is away. */
  storeSinceUnixMs: number | undefined;
  speaker: 'starting' | 'running' | 'restarting' | 'withheld' | 'closed';
  speakerRestarts: number;
  listening: readonly { readonly address: string; readonly port: number }[];
  listenErrors: readonly string[];
  readonly ribInSync: Map<Family, { readonly timedOut: boolean }>;
  invalid: readonly InvalidDocument[];
  ownStatusProblem: string | undefined;
}
