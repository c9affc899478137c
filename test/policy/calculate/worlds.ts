/** Worlds of documents by chance: few names, labels and values, so that most of what one document says concerns another. */
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import type {
  EndpointPort,
  EntityRule,
  GlobalPolicySpec,
  KubernetesPolicyPeer,
  KubernetesPolicyRule,
  KubernetesPolicySpec,
  LabelSelector,
  PolicyPort,
  PolicyRule,
  PolicySpec,
} from '../../../core/resources/policy-documents.js';
import {
  CALICO_API,
  formatResourceId,
  KUBERNETES_API,
  NETWORKING_API,
  type Resource,
  resourceIdOf,
} from '../../../core/resources/resource.js';
import type { Random } from '../../support/random.js';
import type { World } from './whole-snapshot.js';

export const HOST = 'node-a';

const namespaces = ['red', 'green', 'blue'];
const keys = ['role', 'team', 'zone'];
const values = ['a', 'b', 'ab'];
const names = ['one', 'two', 'three', 'four', 'five', 'six'];
const tiers = ['default', 'default', 'security', 'kube-admin', 'nowhere', 'late'];
const profiles = ['open', 'closed', 'red-profile'];
/** Some are there without a document, or as long as the namespace is. */
const profileNames = [...profiles, 'kns.red', 'kns.green', 'kns.nowhere', 'projectcalico-default-allow'];
const accounts = ['builder', 'web'];
const portNames = ['http', 'dns'];

type WithSpec = Extract<Resource, { readonly spec: unknown }>;
type Spec<K extends WithSpec['kind']> = Extract<WithSpec, { kind: K }>['spec'];

export class WorldMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Every place that a document may stand at is empty, or has one. */
  world(): World {
    let world: World = { documents: new Map(), standIns: new Map(), interfaces: new Map() };
    for (const make of this.#makers()) if (this.#chance(75)) world = withDocument(world, make());
    if (this.#chance(70)) world = this.withInterfaces(world);
    return this.#chance(60) ? this.withStandIn(world) : world;
  }

  /** The same with some of it changed, added and removed. */
  changed(world: World): World {
    let after = world;
    const makers = this.#makers();
    for (let changes = 1 + this.#random.below(6); changes > 0; changes--) {
      const document = this.#random.pick(makers)();
      after = this.#chance(70)
        ? withDocument(after, document)
        : withoutDocument(after, formatResourceId(resourceIdOf(document)));
    }
    if (this.#chance(25)) after = this.withInterfaces(after);
    if (this.#chance(20)) after = this.withStandIn(after);
    return this.#chance(20) ? { ...after, standIns: new Map() } : after;
  }

  withInterfaces(world: World): World {
    const address = () => `192.168.0.${1 + this.#random.below(4)}` as IpAddress;
    const interfaces = ['eth0', 'eth1', 'eth2'].filter(() => this.#chance(70));
    return { ...world, interfaces: new Map(interfaces.map(name => [name, [address(), address()]])) };
  }

  /** The names are those of no other policy. */
  withStandIn(world: World): World {
    const metadata = { name: 'broken', labels: {}, annotations: {} };
    const spec: GlobalPolicySpec = {
      tier: this.#random.pick(tiers),
      selector: this.selector(1),
      types: this.#random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
      ingress: [],
      egress: [],
      doNotTrack: false,
      preDNAT: false,
      applyOnForward: this.#chance(50),
      ...(this.#chance(30) && { namespaceSelector: this.#namespaceSelector() }),
    };
    const document: Resource = { apiVersion: CALICO_API, kind: 'GlobalNetworkPolicy', metadata, spec };
    return { ...world, standIns: new Map([[formatResourceId(resourceIdOf(document)), document]]) };
  }

  // -------------------------------------------------------------- documents

  #makers(): (() => Resource)[] {
    const calico = <K extends WithSpec['kind']>(kind: K, spec: () => Spec<K>, within: readonly string[]) =>
      within.map(
        name => () =>
          ({ apiVersion: CALICO_API, kind, metadata: this.#metadata(name), spec: spec() }) as Resource,
      );
    const inNamespaces = (list: readonly string[]) =>
      list.flatMap(name => namespaces.map(namespace => `${namespace}/${name}`));
    const bare = (kind: 'Namespace' | 'ServiceAccount', within: readonly string[]) =>
      within.map(
        name => () =>
          ({ apiVersion: KUBERNETES_API, kind, metadata: this.#metadata(name), spec: {} }) as Resource,
      );
    return [
      ...calico('WorkloadEndpoint', () => this.#workload(), inNamespaces(names.slice(0, 4))),
      ...calico('HostEndpoint', () => this.#hostEndpoint(), names.slice(0, 5)),
      ...calico('NetworkSet', () => ({ nets: this.#nets(3) }), inNamespaces(names.slice(0, 2))),
      ...calico('GlobalNetworkSet', () => ({ nets: this.#nets(3) }), names.slice(0, 3)),
      ...calico('Profile', () => this.#profile(), [...profiles, 'kns.red', 'projectcalico-default-allow']),
      ...calico('Tier', () => this.#tier(), ['security', 'late']),
      ...calico('NetworkPolicy', () => this.#policy(), inNamespaces(names.slice(0, 2))),
      ...calico('GlobalNetworkPolicy', () => this.#globalPolicy(), names),
      ...calico(
        'StagedNetworkPolicy',
        () => ({ ...this.#policy(), stagedAction: this.#stagedAction() }),
        inNamespaces(['one']),
      ),
      ...calico(
        'StagedGlobalNetworkPolicy',
        () => ({ ...this.#globalPolicy(), stagedAction: this.#stagedAction() }),
        ['one', 'two'],
      ),
      ...inNamespaces(['one', 'seven']).map(
        name => (): Resource => ({
          apiVersion: NETWORKING_API,
          kind: 'KubernetesNetworkPolicy',
          metadata: this.#metadata(name),
          spec: this.#kubernetesPolicy(),
        }),
      ),
      ...inNamespaces(['one']).map(
        name => (): Resource => ({
          apiVersion: CALICO_API,
          kind: 'StagedKubernetesNetworkPolicy',
          metadata: this.#metadata(name),
          spec: { ...this.#kubernetesPolicy(), stagedAction: this.#stagedAction() },
        }),
      ),
      ...bare('Namespace', namespaces),
      ...bare('ServiceAccount', inNamespaces(accounts)),
    ];
  }

  #metadata(id: string): Resource['metadata'] {
    const [name, namespace] = id.split('/').reverse() as [string, string?];
    const annotations: Record<string, string> = {};
    if (this.#chance(15)) annotations['margay.io/flushOnDeny'] = this.#random.pick(['true', 'false']);
    if (this.#chance(10)) annotations['margay.io/adminState'] = 'down';
    return { name, ...(namespace !== undefined && { namespace }), labels: this.labels(), annotations };
  }

  labels(): Record<string, string> {
    const labels: Record<string, string> = {};
    for (const key of keys) if (this.#chance(45)) labels[key] = this.#random.pick(values);
    if (this.#chance(8)) labels['pcns.team'] = this.#random.pick(values);
    if (this.#chance(12)) labels['pcsa.role'] = this.#random.pick(values);
    if (this.#chance(5)) labels['projectcalico.org/serviceaccount'] = this.#random.pick(accounts);
    return labels;
  }

  #workload(): Spec<'WorkloadEndpoint'> {
    return {
      node: this.#random.pick([HOST, HOST, 'node-b']),
      interfaceName: `cali${this.#random.below(100)}`,
      ipNetworks: this.#addresses(),
      ...(this.#chance(60) && { profiles: this.#several(profileNames) }),
      ...(this.#chance(50) && { serviceAccountName: this.#random.pick(accounts) }),
      ...(this.#chance(30) && { orchestrator: 'k8s' }),
      ...(this.#chance(10) && { allowSpoofedSourcePrefixes: this.#nets(1) }),
      ...(this.#chance(60) && { ports: this.#endpointPorts() }),
    };
  }

  #hostEndpoint(): Spec<'HostEndpoint'> {
    return {
      node: this.#random.pick([HOST, HOST, 'node-b']),
      ...(this.#chance(50) && { interfaceName: this.#random.pick(['eth0', 'eth1', '*']) }),
      expectedIPs: this.#several([
        '192.168.0.1/32',
        '192.168.0.2/32',
        '192.168.0.3/32',
        '2001:db8::9/128',
      ]) as Prefix[],
      profiles: this.#several(profileNames),
      ports: this.#endpointPorts(),
    };
  }

  #profile(): Spec<'Profile'> {
    return { labelsToApply: this.labels(), ingress: this.#rules(2), egress: this.#rules(2) };
  }

  #tier(): Spec<'Tier'> {
    return {
      ...(this.#chance(80) && { order: this.#random.pick([5, 100, 2_000_000]) }),
      defaultAction: this.#random.pick(['Deny', 'Pass']),
    };
  }

  #stagedAction() {
    return this.#random.pick(['Set', 'Learn', 'Delete', 'Ignore'] as const);
  }

  #policy(): PolicySpec {
    return {
      tier: this.#random.pick(tiers),
      ...(this.#chance(60) && { order: this.#random.pick([1, 10, 1000]) }),
      selector: this.selector(2),
      ...(this.#chance(15) && { serviceAccountSelector: this.selector(1) }),
      types: this.#random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
      ingress: this.#rules(3),
      egress: this.#rules(3),
    };
  }

  #globalPolicy(): GlobalPolicySpec {
    const [doNotTrack, preDNAT] = this.#random.pick([
      [false, false],
      [false, false],
      [true, false],
      [false, true],
    ]) as [boolean, boolean];
    return {
      ...this.#policy(),
      ...(this.#chance(25) && { namespaceSelector: this.#namespaceSelector() }),
      doNotTrack,
      preDNAT,
      applyOnForward: doNotTrack || preDNAT || this.#chance(40),
    };
  }

  // -------------------------------------------------------------- rules

  #rules(most: number): PolicyRule[] {
    return Array.from({ length: this.#random.below(most + 1) }, () => this.#rule());
  }

  #rule(): PolicyRule {
    const protocol = this.#chance(60) ? this.#random.pick(['TCP', 'UDP', 'SCTP', 132] as const) : undefined;
    const icmp = protocol === undefined && this.#chance(20);
    return {
      action: this.#random.pick(['Allow', 'Deny', 'Pass', 'Log']),
      ...(this.#chance(15) && { ipVersion: this.#random.pick([4, 6] as const) }),
      ...(protocol !== undefined && { protocol }),
      ...(icmp && { protocol: 'ICMP', icmp: { type: 8, ...(this.#chance(50) && { code: 0 }) } }),
      ...(icmp && this.#chance(30) && { notICMP: { type: 3 } }),
      ...(this.#chance(10) && { notProtocol: this.#random.pick(['UDPLite', 99] as const) }),
      source: this.#side(protocol !== undefined),
      destination: this.#side(protocol !== undefined),
      ...(this.#chance(10) && { metadata: { annotations: { why: this.#random.pick(values) } } }),
    };
  }

  #side(hasPorts: boolean): EntityRule {
    return {
      nets: this.#chance(20) ? this.#nets(2) : [],
      notNets: this.#chance(10) ? this.#nets(2) : [],
      ...(this.#chance(40) && { selector: this.selector(2) }),
      ...(this.#chance(12) && { notSelector: this.selector(1) }),
      ...(this.#chance(20) && { namespaceSelector: this.#namespaceSelector() }),
      ...(this.#chance(15) && {
        serviceAccounts: {
          names: this.#chance(60) ? this.#several(accounts) : [],
          ...(this.#chance(60) && { selector: this.selector(1) }),
        },
      }),
      ports: hasPorts && this.#chance(50) ? this.#ports() : [],
      notPorts: hasPorts && this.#chance(15) ? this.#ports() : [],
    };
  }

  /** In texts of several forms, so that equal ones are not always written alike. */
  selector(depth: number): string {
    if (depth > 0 && this.#chance(45)) {
      const joined = [this.selector(depth - 1), this.selector(depth - 1)].join(
        this.#random.pick([' && ', ' || ']),
      );
      return this.#chance(30) ? `!(${joined})` : `(${joined})`;
    }
    const key = this.#random.pick(keys);
    const value = this.#random.pick(values);
    const [a, b] = [this.#random.pick(values), this.#random.pick(values)];
    return this.#random.pick([
      `${key} == "${value}"`,
      `${key}=='${value}'`,
      `${key} == "${value}"`,
      `${key} != '${value}'`,
      `${key} in {"${a}", "${b}"}`,
      `${key} in {"${b}", "${a}"}`,
      `${key} not in {"${a}"}`,
      `${key} in {}`,
      `${key} starts with "${value}"`,
      `${key} ends with "${value}"`,
      `${key} contains "${value}"`,
      `has(${key})`,
      `!has(${key})`,
      `! ! has(${key})`,
      'all()',
      `projectcalico.org/namespace == "${this.#random.pick(namespaces)}"`,
    ]);
  }

  #namespaceSelector(): string {
    return this.#random.pick([
      'all()',
      'global()',
      `global() || ${this.selector(0)}`,
      `kubernetes.io/metadata.name == "${this.#random.pick(namespaces)}"`,
      this.selector(1),
    ]);
  }

  #ports(): PolicyPort[] {
    return this.#several<PolicyPort>([
      { min: 80, max: 80 },
      { min: 8000, max: 8080 },
      { name: 'http' },
      { name: 'dns' },
    ]);
  }

  // -------------------------------------------------------------- Kubernetes' rules

  #kubernetesPolicy(): KubernetesPolicySpec {
    return {
      podSelector: this.#labelSelector(),
      policyTypes: this.#random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
      ingress: this.#kubernetesRules(),
      egress: this.#kubernetesRules(),
    };
  }

  #kubernetesRules(): KubernetesPolicyRule[] {
    return Array.from({ length: this.#random.below(3) }, () => ({
      peers: Array.from({ length: this.#random.below(3) }, () => this.#peer()),
      ports: Array.from({ length: this.#random.below(4) }, () => ({
        protocol: this.#random.pick(['TCP', 'UDP'] as const),
        ...this.#random.pick([
          { port: 80 },
          { port: 8000, endPort: 8080 },
          { port: 'http' },
          { port: 443 },
          {},
        ]),
      })),
    }));
  }

  #peer(): KubernetesPolicyPeer {
    if (this.#chance(25))
      return { ipBlock: { cidr: '10.0.0.0/8' as Prefix, except: this.#chance(50) ? this.#nets(1) : [] } };
    const which = this.#random.below(3);
    return {
      ...(which !== 0 && { podSelector: this.#labelSelector() }),
      ...(which !== 1 && { namespaceSelector: this.#labelSelector() }),
    };
  }

  #labelSelector(): LabelSelector {
    return {
      matchLabels: this.#chance(40) ? { [this.#random.pick(keys)]: this.#random.pick(values) } : {},
      matchExpressions: Array.from({ length: this.#chance(30) ? 1 : 0 }, () => {
        const operator = this.#random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const);
        return {
          key: this.#random.pick(keys),
          operator,
          values: operator === 'In' || operator === 'NotIn' ? [this.#random.pick(values), 'c'] : [],
        };
      }),
    };
  }

  // -------------------------------------------------------------- addresses

  #addresses(): Prefix[] {
    const ipv4 = `10.0.0.${this.#random.below(12)}/32`;
    return (this.#chance(40) ? [ipv4, `2001:db8::${this.#random.below(6)}/128`] : [ipv4]) as Prefix[];
  }

  #nets(most: number): Prefix[] {
    return Array.from({ length: 1 + this.#random.below(most) }, () =>
      this.#random.pick([
        '10.0.0.0/24',
        '10.0.0.3/32',
        '10.1.0.0/16',
        '0.0.0.0/0',
        '2001:db8::/64',
        '2001:db8::1/128',
      ]),
    ) as Prefix[];
  }

  #endpointPorts(): EndpointPort[] {
    return Array.from({ length: this.#random.below(3) }, () => ({
      name: this.#random.pick(portNames),
      protocol: this.#random.pick(['TCP', 'UDP', 6] as const),
      port: this.#random.pick([80, 8080, 53]),
    }));
  }

  #several<T>(from: readonly T[]): T[] {
    return from.filter(() => this.#chance(50));
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }
}

function withDocument(world: World, document: Resource): World {
  const documents = new Map(world.documents);
  documents.set(formatResourceId(resourceIdOf(document)), document);
  return { ...world, documents };
}

function withoutDocument(world: World, id: string): World {
  const documents = new Map(world.documents);
  documents.delete(id);
  return { ...world, documents };
}
