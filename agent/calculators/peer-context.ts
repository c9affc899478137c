/**
 * What the sessions of this host have in common, from the documents that say so: its own Node, the BGPConfiguration with the options of the
 * mesh, the BGPFilters and the passwords (pure). Who has sessions asks here; whatever changes here may change all of them.
 */
import type { RoutePolicy } from '../../bgp/speaker/contract.js';
import { rejectAll } from '../../bgp/speaker/defaults.js';
import type { Asn } from '../../core/asn.js';
import { durationSeconds } from '../../core/duration.js';
import {
  type AddressFamily,
  addressFamily,
  type IpAddress,
  type Ipv4Address,
} from '../../core/ip-address.js';
import { sessionOptionsOf } from '../../core/resources/annotations.js';
import type {
  BGPConfigurationResource,
  BGPFilterResource,
  NodeResource,
} from '../../core/resources/resource.js';
import type { SessionOptions } from '../../core/resources/session-options.js';
import { afterChange, type ResourceChange } from './calculator.js';
import { CLUSTER_NAME, ownName } from './configurations.js';
import { BgpConfigurations, type NodeAddress, nodeAddress } from './node-view.js';
import { type Password, type PasswordSource, Passwords, passwordSource } from './passwords.js';
import { usualClusterId } from './speaker-settings.js';

/** Seconds; the agent's own configuration. */
export interface PeerTimers {
  readonly holdTimeSeconds: number;
  readonly keepaliveTimeSeconds: number | undefined;
  readonly connectRetrySeconds: number;
  readonly idleHoldMaxSeconds: number;
}

/** Hold 90 s and keepalive a third of it; connect retry 5 s; idle hold-down doubling up to 60 s. */
export const defaultPeerTimers: PeerTimers = {
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: 5,
  idleHoldMaxSeconds: 60,
};

/** Of the agent: a host of the cluster, or a reflector that forwards nothing itself. */
export type AgentMode = 'node' | 'route-reflector';

export interface PeerContextOptions {
  readonly nodeName: string;
  readonly timers: PeerTimers;
  readonly mode: AgentMode;
}

export class PeerContext {
  readonly options: PeerContextOptions;
  readonly configurations = new BgpConfigurations();
  readonly filters = new Map<string, BGPFilterResource>();
  readonly passwords = new Passwords();
  /** What every peer is told of our routes: see the `ExportPolicyCalculator`. */
  exportPolicy: RoutePolicy = rejectAll;
  /** By address of this host: the interface that has it. */
  interfaces: ReadonlyMap<IpAddress, string> = new Map();
  /** By interface: the link-local IPv6 address of this host there. */
  linkLocals: ReadonlyMap<string, IpAddress> = new Map();
  #own: NodeResource | undefined;

  constructor(options: PeerContextOptions) {
    this.options = options;
  }

  /** False if the change is of no concern here. */
  onChange(change: ResourceChange): boolean {
    const { id, resource } = afterChange(change);
    switch (id.kind) {
      case 'Node':
        if (id.name !== this.options.nodeName) return false;
        this.#own = resource?.kind === 'Node' ? resource : undefined;
        return true;
      case 'BGPConfiguration':
        if (resource?.kind === 'BGPConfiguration') this.configurations.set(resource);
        else this.configurations.delete(id.name);
        return true;
      case 'BGPFilter':
        if (resource?.kind === 'BGPFilter') this.filters.set(id.name, resource);
        else this.filters.delete(id.name);
        return true;
      case 'Secret':
        this.passwords.setSecret(id.name, resource?.kind === 'Secret' ? resource : undefined);
        return true;
      default:
        return false;
    }
  }

  get own(): NodeResource | undefined {
    return this.#own;
  }

  get localAsn(): Asn {
    return this.configurations.asn(this.#own, this.options.nodeName);
  }

  ownAddress(family: AddressFamily): NodeAddress | undefined {
    return nodeAddress(this.#own, family);
  }

  isOwnAddress(address: IpAddress): boolean {
    return address === this.ownAddress('ipv4')?.address || address === this.ownAddress('ipv6')?.address;
  }

  /** RFC 2545 section 3: what goes beside an address of this host as a next hop on its link; none for IPv4. */
  linkLocalBeside(address: IpAddress): IpAddress | undefined {
    const name = addressFamily(address) === 'ipv6' ? this.interfaces.get(address) : undefined;
    return name === undefined ? undefined : this.linkLocals.get(name);
  }

  /** Of this host as a route reflector; undefined if it is none. Its agent writes it where its author has not. */
  get clusterId(): Ipv4Address | undefined {
    const written = this.#own?.spec.bgp?.routeReflectorClusterID;
    if (written !== undefined || this.options.mode === 'node') return written;
    return usualClusterId(this.ownAddress('ipv4')?.address, this.options.nodeName);
  }

  /** `margay.io/*` annotations for the mesh: the host's own document, else the cluster's, option by option. */
  get meshOptions(): SessionOptions {
    return Object.assign(
      {},
      ...this.#configurationsInForce().map(sessionOptionsOf).reverse(),
    ) as SessionOptions;
  }

  get meshPasswordSource(): PasswordSource | undefined {
    for (const document of this.#configurationsInForce()) {
      const source = passwordSource(document.spec.nodeMeshPassword, sessionOptionsOf(document));
      if (source !== undefined) return source;
    }
    return undefined;
  }

  get meshPassword(): Password | undefined {
    const source = this.meshPasswordSource;
    return source === undefined ? undefined : this.passwords.of(source);
  }

  get meshRestartSeconds(): number | undefined {
    return restartSeconds(this.#configured('nodeMeshMaxRestartTime'));
  }

  /** This host's own, then the cluster's. */
  #configurationsInForce(): readonly BGPConfigurationResource[] {
    return [ownName(this.options.nodeName), CLUSTER_NAME].flatMap(
      name => this.configurations.get(name) ?? [],
    );
  }

  #configured<K extends Parameters<BgpConfigurations['of']>[1]>(field: K) {
    return this.configurations.of(this.options.nodeName, field);
  }
}

/** RFC 4724 section 3 has twelve bits for it. */
export const LONGEST_RESTART_SECONDS = 4095;

export function restartSeconds(text: string | undefined): number | undefined {
  const seconds = durationSeconds(text);
  return seconds === undefined ? undefined : Math.min(LONGEST_RESTART_SECONDS, Math.round(seconds));
}
