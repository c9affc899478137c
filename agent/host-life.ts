/**
 * SHELL: this host among the others of the cluster: whether its name and its address are its own, and what it does for all of them while it
 * is the controller.
 */
import type { AddressFamily, IpAddress } from '../core/ip-address.js';
import type { NodeResource } from '../core/resources/resource.js';
import type { IpamContext } from '../ipam/context.js';
import { sameValue } from './calculators/calculator.js';
import { nodeAddress } from './calculators/node-view.js';
import type { ConditionView, HostReport } from './control/types.js';
import { Controller } from './controller/controller.js';
import { ControllerLease } from './controller/controller-lease.js';
import { fencedStore } from './controller/fenced-store.js';
import { releaseAddressesOf } from './controller/release-addresses.js';
import type { ClusterView } from './controller/task.js';
import { controllerTasks } from './controller/tasks.js';
import { AddressGuard } from './lease/address-guard.js';
import type { LeaseSpec } from './lease/lease-sight.js';
import { lifeConditions, silentHosts } from './lease/life-conditions.js';
import { NameLease } from './lease/name-lease.js';
import { addressesOf, announcedFamily, withheldChoice } from './lease/own-addresses.js';
import { type Standing, standing } from './lease/standing.js';
import type { NodeAddressChoice } from './node-address.js';
import type { AgentOptions } from './options.js';

export interface HostLifePorts {
  /** Documents as the store has told them. */
  readonly list: ClusterView['list'];
  readonly nodes: () => number;
  readonly ownNode: () => NodeResource | undefined;
  /** Names of nodes with that address. */
  readonly nodesWith: (address: IpAddress) => readonly string[];
  /** Undefined: this host manages no addresses. */
  readonly ipam: IpamContext | undefined;
  /** This host is one of the cluster from now on. */
  readonly admit: () => void;
  /** It is none from now on, or not known to be one. */
  readonly withhold: (reason: string) => void;
  /** A copy of this machine had its name for a moment: what stands in the store may be of the copy. */
  readonly regained: () => void;
  /** Something that `status` shows. */
  readonly changed: () => void;
}

const DURATION_SECONDS = 30;
/** A cluster of one host has nobody who waits for it, and a disk that need not be written to so often. */
const LONE_DURATION_SECONDS = 60;

export class HostLife {
  readonly controller: Controller;
  readonly #options: AgentOptions;
  readonly #ports: HostLifePorts;
  readonly #name: NameLease;
  readonly #addresses: AddressGuard;
  readonly #part: ControllerLease;
  #standing: Standing | undefined;
  #begun = false;
  /** {@link goOn} */
  #assumed = false;
  #closed = false;

  constructor(options: AgentOptions, ports: HostLifePorts) {
    this.#options = options;
    this.#ports = ports;
    const { nodeName, store, log, identity } = options;
    const { list, changed } = ports;
    const clock = options.sleeplessClock ?? options.clock;
    const durationSeconds = () => (ports.nodes() > 1 ? DURATION_SECONDS : LONE_DURATION_SECONDS);
    const shared = { nodeName, store, clock, random: Math.random, unixMs: Date.now, durationSeconds };
    this.#name = new NameLease({
      ...{ ...shared, identity, addresses: () => Object.values(addressesOf(this.#choices)) },
      announced: () => this.#announced(),
      changed: () => this.review(),
      regained: () => ports.regained(),
    });
    this.#addresses = new AddressGuard({
      ...{ store, clock, looked: () => this.review() },
      claims: () => this.#claims(),
      rivals: address => ports.nodesWith(address).filter(name => name !== nodeName),
    });
    const { instance, process } = identity;
    this.#part = new ControllerLease({
      ...{ ...shared, instance, process, changed, turned: () => this.controller.review() },
    });
    const mayAct = () => this.#part.mayAct();
    const fenced = fencedStore(store, mayAct);
    this.controller = new Controller({
      ...{ clock, store, mayAct, list, changed },
      tasks: controllerTasks({
        ...{ nodeName, store: fenced, clock, log, ipam: ports.ipam },
        releaseAddresses: node => releaseAddressesOf(fenced, node),
      }),
      warn: (task, problem) => log.warn({ task, problem }, 'a task of the controller'),
    });
  }

  /** What is known, if anything is. */
  get standing(): Standing {
    return this.#standing ?? standing(this.#self, this.#name.verdict, undefined);
  }

  /** All that the store holds has been told, for the first time or again. */
  async inSync(): Promise<void> {
    this.#begun = true;
    await this.#name.review();
    this.review();
  }

  /**
   * The store has not been read since this process began, and this host was one of the cluster before: it goes on as one, until the store
   * says whose its name is.
   */
  goOn(): void {
    if (this.#begun || this.#standing !== undefined) return;
    this.#standing = { kind: 'member' };
    this.#assumed = true;
    this.#ports.admit();
    this.#ports.changed();
  }

  /** Documents, or this host's addresses, may be others. */
  review(): void {
    const { verdict } = this.#name;
    const isBeingRead = verdict.kind === 'undecided' && verdict.rival === undefined;
    if (!this.#begun || this.#closed || isBeingRead) return;
    this.#addresses.review();
    const before = this.#assumed ? undefined : this.#standing;
    const now = this.#judge();
    this.#assumed = false;
    this.#standing = now;
    if (before !== undefined && sameValue(before, now)) return;
    this.#became(now, before);
    this.readdressed();
    this.#ports.changed();
  }

  /** This host's addresses may be others: its lease is to say so. */
  readdressed(): void {
    const { held } = this.#name;
    if (held === undefined) return;
    const said = (held.addresses ?? []).map(({ address }) => address);
    if (!sameValue(said, this.#announced())) void this.#name.review();
  }

  /** Resolves when the store has been asked whose this host's name is. */
  confirmName(): Promise<void> {
    return this.#name.review();
  }

  /** Why nothing is to be written in this host's name; undefined: it may be. */
  get withheldName(): string | undefined {
    if (this.#name.verdict.kind === 'ours') return undefined;
    const now = this.standing;
    return now.kind === 'member' ? undefined : now.reason;
  }

  /** By what it announces itself, as far as no other host is in its way. */
  nodeAddress(family: AddressFamily): NodeAddressChoice {
    return withheldChoice(this.#choices, family, claim => this.#addresses.verdictOf(this.#claim(claim)));
  }

  /** The controller's lease, as far as it is known. */
  get part(): LeaseSpec | undefined {
    return this.#part.spec;
  }

  /** Where this host is the controller: who has not renewed his lease. */
  get silent(): HostReport['silent'] {
    return silentHosts(this.controller.hosts);
  }

  /** What stands in the way, for people. */
  conditions(): readonly ConditionView[] {
    if (!this.#begun) return [];
    return lifeConditions(
      this.#options.nodeName,
      this.standing,
      this.#name.verdict,
      this.controller.problems,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#name.close();
    this.#addresses.close();
    this.controller.close();
    await this.#part.stop();
  }

  #became(now: Standing, before: Standing | undefined): void {
    const { log } = this.#options;
    if (now.kind === 'member') {
      if (before !== undefined && before.kind !== 'member')
        log.info({}, 'this host is one of the cluster now');
      this.#part.start();
      this.#ports.admit();
      return;
    }
    const level = now.kind === 'pending' ? 'warn' : 'error';
    log[level]({ reason: now.reason }, 'this host announces nothing');
    void this.#part.stop();
    this.#ports.withhold(now.reason);
  }

  get #self() {
    const { nodeName, identity } = this.#options;
    return { nodeName, instance: identity.instance };
  }

  #judge(): Standing {
    const addresses = addressesOf(this.#choices);
    const family = announcedFamily(addresses);
    const address = family === undefined ? undefined : addresses[family];
    if (address === undefined) return standing(this.#self, this.#name.verdict, undefined);
    const verdict = this.#addresses.verdictOf(this.#claim(address));
    return standing(this.#self, this.#name.verdict, { text: address, verdict });
  }

  get #choices(): Readonly<Record<AddressFamily, NodeAddressChoice>> {
    const { nodeAddress: choose } = this.#options;
    return { ipv4: choose('ipv4'), ipv6: choose('ipv6') };
  }

  #announced(): readonly IpAddress[] {
    const choices = { ipv4: this.nodeAddress('ipv4'), ipv6: this.nodeAddress('ipv6') };
    return Object.values(addressesOf(choices));
  }

  #claims() {
    return Object.values(addressesOf(this.#choices)).map(address => this.#claim(address));
  }

  #claim(address: IpAddress) {
    const { nodeName } = this.#options;
    const own = this.#ports.ownNode();
    const announced = [nodeAddress(own)?.address, nodeAddress(own, 'ipv6')?.address];
    const sinceUnixMs = this.#name.held?.addresses?.find(one => one.address === address)?.sinceUnixMs;
    const { instance } = this.#options.identity;
    return { node: nodeName, instance, address, established: announced.includes(address), sinceUnixMs };
  }
}
