/**
 * The slow, obvious twin of the calculation: everything at once, from all documents, by trying every selector on everything. Sets stand
 * in rules by what is in them and not by an id, so that it needs no notion of equal selectors.
 */
import type { IpAddress } from '../../../core/ip-address.js';
import { type Prefix, prefixContainsAddress } from '../../../core/prefix.js';
import type {
  EntityRule,
  HostEndpointResource,
  KubernetesPolicySpec,
  LabelSelector,
  PolicyPort,
  PolicyRule,
  ProfileResource,
} from '../../../core/resources/policy-documents.js';
import { formatResourceId, type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import { parseSelector, type Selector, type SelectorProblem } from '../../../core/selector.js';
import type { EndpointTier, HostPolicy, Policy, Rule, RuleSide } from '../../../policy/model.js';

export interface World {
  readonly documents: ReadonlyMap<string, Resource>;
  /** Policies that were never understood, as somebody who looks at them would put it: a sound policy without rules. */
  readonly standIns: ReadonlyMap<string, Resource>;
  readonly interfaces: ReadonlyMap<string, readonly IpAddress[]>;
}

/** {@link HostPolicy} with the content of a set in place of its id. */
export interface PlainPolicy {
  readonly workloads: unknown;
  readonly hosts: unknown;
  readonly policies: unknown;
  readonly profiles: unknown;
}

type Kind<K extends Resource['kind']> = Extract<Resource, { kind: K }>;

// ---------------------------------------------------------------- things and their labels

interface Thing {
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly isWorkload: boolean;
  readonly nets: readonly Prefix[];
  readonly ports: readonly { readonly name: string; readonly protocol: number; readonly port: number }[];
}

const protocols: Readonly<Record<string, number>> = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  ICMPv6: 58,
  SCTP: 132,
  UDPLite: 136,
};
const numberOf = (protocol: string | number) =>
  typeof protocol === 'number' ? protocol : (protocols[protocol] as number);

class Snapshot {
  readonly world: World;
  readonly hostName: string;
  readonly all: readonly Resource[];
  #things: readonly Thing[] | undefined;

  constructor(world: World, hostName: string) {
    this.world = world;
    this.hostName = hostName;
    this.all = [...world.documents.values(), ...world.standIns.values()];
  }

  of<K extends Resource['kind']>(kind: K): Kind<K>[] {
    return this.all.filter((document): document is Kind<K> => document.kind === kind);
  }

  things(): readonly Thing[] {
    this.#things ??= [
      ...this.of('WorkloadEndpoint').map(endpoint => this.workload(endpoint)),
      ...this.of('HostEndpoint').map(endpoint => this.host(endpoint)),
      ...this.of('NetworkSet').map(({ metadata, spec }) => ({
        namespace: metadata.namespace,
        labels: {
          ...this.namespaceLabels(metadata.namespace),
          ...withoutReserved(metadata.labels),
          ...this.namespaceFacts(metadata.namespace),
        },
        isWorkload: false,
        nets: spec.nets,
        ports: [],
      })),
      ...this.of('GlobalNetworkSet').map(({ metadata, spec }) => ({
        namespace: undefined,
        labels: metadata.labels,
        isWorkload: false,
        nets: spec.nets,
        ports: [],
      })),
    ];
    return this.#things;
  }

  workload({ metadata, spec }: Kind<'WorkloadEndpoint'>): Thing {
    const { namespace } = metadata;
    const account = spec.serviceAccountName;
    const accounts = this.of('ServiceAccount').filter(
      found => found.metadata.namespace === namespace && found.metadata.name === account,
    );
    return {
      namespace,
      labels: {
        ...this.profileLabels(spec.profiles ?? []),
        ...(accounts[0] && prefixed('pcsa.', accounts[0].metadata.labels)),
        ...this.namespaceLabels(namespace),
        ...withoutReserved(metadata.labels),
        ...this.namespaceFacts(namespace),
        'margay.io/kind': 'WorkloadEndpoint',
        ...(spec.orchestrator !== undefined && { 'projectcalico.org/orchestrator': spec.orchestrator }),
        ...(account !== undefined && {
          'projectcalico.org/serviceaccount': account,
          'pcsa.projectcalico.org/name': account,
        }),
      },
      isWorkload: true,
      nets: spec.ipNetworks,
      ports: (spec.ports ?? []).map(port => ({ ...port, protocol: numberOf(port.protocol) })),
    };
  }

  host({ metadata, spec }: HostEndpointResource): Thing {
    return {
      namespace: undefined,
      labels: { ...this.profileLabels(spec.profiles), ...metadata.labels },
      isWorkload: false,
      nets: spec.expectedIPs,
      ports: spec.ports.map(port => ({ ...port, protocol: numberOf(port.protocol) })),
    };
  }

  /** The first profile wins. */
  profileLabels(names: readonly string[]): Record<string, string> {
    const labels: Record<string, string> = {};
    for (const name of [...names].reverse()) Object.assign(labels, this.profile(name)?.spec.labelsToApply);
    return labels;
  }

  profile(name: string): ProfileResource | undefined {
    return this.of('Profile').find(({ metadata }) => metadata.name === name);
  }

  impliedProfile(name: string): Pick<ProfileResource['spec'], 'ingress' | 'egress'> | undefined {
    const ofNamespace = this.of('Namespace').some(({ metadata }) => `kns.${metadata.name}` === name);
    if (name !== 'projectcalico-default-allow' && !ofNamespace) return undefined;
    const anybody = { nets: [], notNets: [], ports: [], notPorts: [] };
    const all = [{ action: 'Allow' as const, source: anybody, destination: anybody }];
    return { ingress: all, egress: all };
  }

  namespaceLabels(name: string | undefined): Record<string, string> {
    const found = this.of('Namespace').find(({ metadata }) => metadata.name === name);
    return prefixed('pcns.', found?.metadata.labels ?? {});
  }

  namespaceFacts(name: string | undefined): Record<string, string> {
    if (name === undefined) return {};
    return {
      'projectcalico.org/namespace': name,
      'pcns.projectcalico.org/name': name,
      'pcns.kubernetes.io/metadata.name': name,
    };
  }

  // -------------------------------------------------------------- sets by their content

  netsOf(selects: (thing: Thing) => boolean): string {
    return content(
      'nets',
      this.things()
        .filter(selects)
        .flatMap(({ nets }) => nets),
    );
  }

  portsOf(selects: (thing: Thing) => boolean, name: string, protocol: number | undefined): string {
    return content(
      'ports',
      this.things()
        .filter(selects)
        .flatMap(({ nets, ports }) =>
          nets
            .filter(net => net.endsWith(net.includes(':') ? '/128' : '/32'))
            .flatMap(net =>
              ports
                .filter(port => port.name === name && (protocol === undefined || port.protocol === protocol))
                .map(port => `${net.split('/')[0]},${port.protocol}:${port.port}`),
            ),
        ),
    );
  }

  // -------------------------------------------------------------- rules

  rules(rules: readonly PolicyRule[], namespace: string | undefined, own: 'source' | 'destination'): Rule[] {
    return rules.map(rule => {
      const protocol = rule.protocol === undefined ? undefined : numberOf(rule.protocol);
      return {
        action: rule.action.toLowerCase() as Rule['action'],
        ...(rule.ipVersion && { family: `ipv${rule.ipVersion}` as const }),
        ...(protocol !== undefined && { protocol }),
        ...(rule.notProtocol !== undefined && { notProtocol: numberOf(rule.notProtocol) }),
        ...(rule.icmp?.type !== undefined && { icmp: rule.icmp as { type: number } }),
        ...(rule.notICMP?.type !== undefined && { notIcmp: rule.notICMP as { type: number } }),
        source: this.side(rule.source, namespace, own === 'source', protocol),
        destination: this.side(rule.destination, namespace, own === 'destination', protocol),
        ...(rule.metadata && { annotations: rule.metadata.annotations }),
      };
    });
  }

  side(
    side: EntityRule,
    namespace: string | undefined,
    isOwn: boolean,
    protocol: number | undefined,
  ): RuleSide {
    const { selector = '', notSelector = '', namespaceSelector = '', serviceAccounts } = side;
    const accounts = serviceAccounts?.names ?? [];
    const accountSelector = serviceAccounts?.selector ?? '';
    const ofAccounts = accounts.length > 0 || accountSelector !== '';
    const speaks = selector !== '' || namespaceSelector !== '' || ofAccounts;
    const positive = speaks || (notSelector !== '' && namespace !== undefined);
    const selects = (thing: Thing): boolean =>
      matches(selector, thing, 'own') &&
      (namespaceSelector === ''
        ? namespace === undefined || thing.namespace === namespace
        : matches(namespaceSelector, thing, 'namespace')) &&
      (accounts.length === 0 ||
        accounts.includes(thing.labels['projectcalico.org/serviceaccount'] as string)) &&
      matches(accountSelector, thing, 'account');
    const owners = positive
      ? selects
      : ({ namespace: its }: Thing) => !isOwn || namespace === undefined || its === namespace;
    const named = (ports: readonly PolicyPort[]) =>
      ports.flatMap(port => ('name' in port ? [this.portsOf(owners, port.name, protocol)] : []));
    return {
      nets: side.nets,
      notNets: side.notNets,
      sets: positive ? [this.netsOf(selects)] : [],
      notSets: notSelector === '' ? [] : [this.netsOf(thing => matches(notSelector, thing, 'own'))],
      ports: side.ports.filter(port => 'min' in port),
      notPorts: side.notPorts.filter(port => 'min' in port),
      namedPorts: distinct(named(side.ports)),
      notNamedPorts: distinct(named(side.notPorts)),
    };
  }

  kubernetesRules(
    rules: KubernetesPolicySpec['ingress'],
    namespace: string | undefined,
    direction: 'ingress' | 'egress',
  ): Rule[] {
    const inNamespace = (thing: Thing) => thing.namespace === namespace;
    return rules.flatMap(({ peers, ports }) => {
      const sides = peers.map(({ podSelector, namespaceSelector, ipBlock }) => {
        if (ipBlock !== undefined) return { nets: [ipBlock.cidr], notNets: ipBlock.except };
        const selects = (thing: Thing) =>
          thing.isWorkload &&
          matchesLabels(podSelector, thing.labels, '') &&
          (namespaceSelector === undefined
            ? inNamespace(thing)
            : thing.namespace !== undefined && matchesLabels(namespaceSelector, thing.labels, 'pcns.'));
        return { selects };
      });
      return (sides.length === 0 ? [{}] : sides).flatMap(peer => {
        const {
          nets = [],
          notNets = [],
          selects,
        } = peer as {
          nets?: readonly Prefix[];
          notNets?: readonly Prefix[];
          selects?: (thing: Thing) => boolean;
        };
        const names = [...new Set(ports.map(({ protocol }) => protocol))];
        return (names.length === 0 ? [undefined] : names).map((protocol): Rule => {
          const ofProtocol = ports.filter(port => port.protocol === protocol);
          const every = ofProtocol.some(({ port }) => port === undefined);
          const number = protocol && numberOf(protocol);
          const owners = direction === 'egress' ? (selects ?? (() => true)) : inNamespace;
          const plain = { ...nobody, nets, notNets, sets: selects ? [this.netsOf(selects)] : [] };
          const withPorts = {
            ports: every
              ? []
              : ofProtocol.flatMap(({ port, endPort }) =>
                  typeof port === 'number' ? [{ min: port, max: endPort ?? port }] : [],
                ),
            namedPorts: distinct(
              every
                ? []
                : ofProtocol.flatMap(({ port }) =>
                    typeof port === 'string' ? [this.portsOf(owners, port, number)] : [],
                  ),
            ),
          };
          return {
            action: 'allow',
            ...(number !== undefined && { protocol: number }),
            source: direction === 'ingress' ? plain : nobody,
            destination: direction === 'ingress' ? { ...nobody, ...withPorts } : { ...plain, ...withPorts },
          };
        });
      });
    });
  }

  // -------------------------------------------------------------- policies

  policies(): Known[] {
    return this.all.flatMap((document): Known[] => {
      const key = formatResourceId(resourceIdOf(document));
      const { name, namespace } = document.metadata;
      const common = {
        key,
        name,
        namespace: namespace ?? '',
        kind: document.kind,
        flushOnDeny: { true: true, false: false }[
          document.metadata.annotations['margay.io/flushOnDeny'] ?? ''
        ],
        staged: document.kind.startsWith('Staged'),
      };
      switch (document.kind) {
        case 'StagedKubernetesNetworkPolicy':
        case 'KubernetesNetworkPolicy': {
          const { spec } = document;
          if ('stagedAction' in spec && !['Set', 'Learn'].includes(spec.stagedAction as string)) return [];
          return [
            {
              ...common,
              tier: 'default',
              order: 1000,
              stage: 'tracked',
              forward: false,
              types: spec.policyTypes,
              selects: thing =>
                thing.namespace === namespace && matchesLabels(spec.podSelector, thing.labels, ''),
              ingress: () => this.kubernetesRules(spec.ingress, namespace, 'ingress'),
              egress: () => this.kubernetesRules(spec.egress, namespace, 'egress'),
            },
          ];
        }
        case 'NetworkPolicy':
        case 'GlobalNetworkPolicy':
        case 'StagedNetworkPolicy':
        case 'StagedGlobalNetworkPolicy': {
          const { spec } = document;
          if ('stagedAction' in spec && !['Set', 'Learn'].includes(spec.stagedAction)) return [];
          const global = 'doNotTrack' in spec ? spec : undefined;
          const stage = global?.doNotTrack ? 'untracked' : global?.preDNAT ? 'pre-dnat' : 'tracked';
          return [
            {
              ...common,
              tier: spec.tier,
              order: spec.order ?? Number.POSITIVE_INFINITY,
              stage,
              forward: global?.applyOnForward ?? false,
              types: stage === 'pre-dnat' ? ['Ingress'] : spec.types,
              selects: thing =>
                (namespace === undefined || thing.namespace === namespace) &&
                matches(spec.selector, thing, 'own') &&
                matches(spec.serviceAccountSelector ?? '', thing, 'account') &&
                ((global?.namespaceSelector ?? '') === '' ||
                  matches(global?.namespaceSelector as string, thing, 'namespace')),
              ingress: () => this.rules(spec.ingress, namespace, 'destination'),
              egress: () => this.rules(spec.egress, namespace, 'source'),
            },
          ];
        }
        default:
          return [];
      }
    });
  }

  tier(name: string): { name: string; order: number; defaultAction: 'deny' | 'pass' } {
    const document = this.of('Tier').find(({ metadata }) => metadata.name === name);
    const orders: Record<string, number> = {
      'kube-admin': 1000,
      default: 1_000_000,
      'kube-baseline': 10_000_000,
    };
    const usual = name.startsWith('kube-') ? 'Pass' : 'Deny';
    return {
      name,
      order: document?.spec.order ?? orders[name] ?? Number.POSITIVE_INFINITY,
      defaultAction: (document?.spec.defaultAction ?? usual) === 'Pass' ? 'pass' : 'deny',
    };
  }

  tiers(policies: readonly Known[]): EndpointTier[] {
    return [...new Set(policies.map(({ tier }) => tier))]
      .map(name => this.tier(name))
      .sort((a, b) => inOrder([a.order, a.name], [b.order, b.name]))
      .map(({ name, defaultAction }) => {
        const ofTier = policies
          .filter(({ tier }) => tier === name)
          .sort((a, b) =>
            inOrder([a.order, a.name, a.namespace, a.kind], [b.order, b.name, b.namespace, b.kind]),
          );
        const way = (type: 'Ingress' | 'Egress') =>
          ofTier.filter(({ types }) => types.includes(type)).map(({ key }) => key);
        return { name, defaultAction, ingress: way('Ingress'), egress: way('Egress') };
      });
  }

  // -------------------------------------------------------------- all of it

  plain(): PlainPolicy {
    const known = this.policies();
    const needed = new Set<Known>();
    const profiles = new Set<string>();
    const workloads = this.of('WorkloadEndpoint')
      .filter(({ spec }) => spec.node === this.hostName)
      .map(document => {
        const thing = this.workload(document);
        const applying = known.filter(({ stage, selects }) => stage === 'tracked' && selects(thing));
        for (const policy of applying) needed.add(policy);
        for (const name of document.spec.profiles ?? []) profiles.add(name);
        return {
          key: `WorkloadEndpoint/${document.metadata.namespace}/${document.metadata.name}`,
          interfaceName: document.spec.interfaceName,
          addresses: document.spec.ipNetworks,
          mayAlsoSendFrom: document.spec.allowSpoofedSourcePrefixes ?? [],
          disabled: document.metadata.annotations['margay.io/adminState'] === 'down',
          profiles: document.spec.profiles ?? [],
          tiers: this.tiers(applying),
        };
      });
    const hosts = this.placed().map(({ document, key, interfaceName }) => {
      const applying = known.filter(({ selects }) => selects(this.host(document)));
      for (const policy of applying) needed.add(policy);
      for (const name of document.spec.profiles) profiles.add(name);
      const at = (stage: string) => applying.filter(policy => policy.stage === stage);
      return {
        key,
        interfaceName,
        profiles: document.spec.profiles,
        tiers: this.tiers(at('tracked')),
        forward: this.tiers(at('tracked').filter(({ forward }) => forward)),
        untracked: this.tiers(at('untracked')),
        preDnat: this.tiers(at('pre-dnat')),
      };
    });
    return sorted({
      workloads,
      hosts,
      policies: [...needed].map(
        ({ key, tier, staged, flushOnDeny, types, ingress, egress }): Policy => ({
          key,
          tier,
          staged,
          flushOnDeny,
          ingress: types.includes('Ingress') ? ingress() : [],
          egress: types.includes('Egress') ? egress() : [],
        }),
      ),
      profiles: [...profiles].flatMap(name => {
        const spec = this.profile(name)?.spec ?? this.impliedProfile(name);
        if (spec === undefined) return [];
        return [
          {
            name,
            ingress: this.rules(spec.ingress, undefined, 'destination'),
            egress: this.rules(spec.egress, undefined, 'source'),
          },
        ];
      }),
    });
  }

  /** Interface by interface: whose it is. */
  placed(): { document: HostEndpointResource; key: string; interfaceName: string }[] {
    const own = this.of('HostEndpoint')
      .filter(({ spec }) => spec.node === this.hostName)
      .sort((a, b) => inOrder([a.metadata.name], [b.metadata.name]));
    const interfaces = new Set([
      ...this.world.interfaces.keys(),
      ...own.flatMap(({ spec }) => spec.interfaceName ?? []),
    ]);
    const seen = new Set<string>();
    return [...interfaces].sort().flatMap(interfaceName => {
      const addresses = this.world.interfaces.get(interfaceName) ?? [];
      const document =
        own.find(({ spec }) => spec.interfaceName === interfaceName) ??
        own.find(
          ({ spec }) =>
            spec.interfaceName === undefined &&
            spec.expectedIPs.some(net => addresses.some(address => prefixContainsAddress(net, address))),
        );
      if (document === undefined) return [];
      const key = `HostEndpoint/${document.metadata.name}`;
      const first = !seen.has(key);
      seen.add(key);
      return [{ document, key: first ? key : `${key}%${interfaceName}`, interfaceName }];
    });
  }
}

interface Known {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly kind: string;
  readonly flushOnDeny: boolean | undefined;
  readonly staged: boolean;
  readonly tier: string;
  readonly order: number;
  readonly stage: string;
  readonly forward: boolean;
  readonly types: readonly string[];
  readonly selects: (thing: Thing) => boolean;
  readonly ingress: () => Rule[];
  readonly egress: () => Rule[];
}

const nobody: RuleSide = {
  nets: [],
  notNets: [],
  sets: [],
  notSets: [],
  ports: [],
  notPorts: [],
  namedPorts: [],
  notNamedPorts: [],
};

export function wholeSnapshot(world: World, hostName: string): PlainPolicy {
  return new Snapshot(world, hostName).plain();
}

/** The same of what was calculated; fails on rules that name a set which is not there, and on sets that no rule names. */
export function plainPolicy({ workloads, hosts, policies, profiles, sets }: HostPolicy): PlainPolicy {
  const named = new Set<string>();
  const contentOf = (id: string): string => {
    const set = sets.get(id);
    if (set === undefined) throw new Error(`a rule names ${id}, which is not there`);
    named.add(id);
    return content(set.kind, set.members);
  };
  const side = (plain: RuleSide): RuleSide => ({
    ...plain,
    sets: plain.sets.map(contentOf),
    notSets: plain.notSets.map(contentOf),
    namedPorts: distinct(plain.namedPorts.map(contentOf)),
    notNamedPorts: distinct(plain.notNamedPorts.map(contentOf)),
  });
  const rules = (list: readonly Rule[]) =>
    list.map(rule => ({ ...rule, source: side(rule.source), destination: side(rule.destination) }));
  const owners = <T extends Pick<Policy, 'ingress' | 'egress'>>(parts: Iterable<T>): T[] =>
    Array.from(parts, part => ({ ...part, ingress: rules(part.ingress), egress: rules(part.egress) }));
  const plain = sorted({
    workloads: [...workloads.values()],
    hosts: [...hosts.values()],
    policies: owners(policies.values()),
    profiles: owners(profiles.values()),
  });
  const unnamed = [...sets.keys()].filter(id => !named.has(id));
  if (unnamed.length > 0) throw new Error(`no rule names ${unnamed.join(', ')}`);
  return plain;
}

/** Sets of other names may hold the same. */
function distinct(contents: readonly string[]): string[] {
  return [...new Set(contents)];
}

function content(kind: string, members: Iterable<string>): string {
  return `${kind} ${[...new Set(members)].sort().join(' ')}`;
}

function sorted(parts: Readonly<Record<keyof PlainPolicy, readonly object[]>>): PlainPolicy {
  const byName = (list: readonly object[]) =>
    list
      .map(part => [(part as { key?: string; name?: string }).key ?? (part as { name: string }).name, part])
      .sort(([a], [b]) => inOrder([a as string], [b as string]));
  return {
    workloads: byName(parts.workloads),
    hosts: byName(parts.hosts),
    policies: byName(parts.policies),
    profiles: byName(parts.profiles),
  };
}

function inOrder(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at < 0) return 0;
  return (a[at] as string) < (b[at] as string) ? -1 : 1;
}

function prefixed(prefix: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [prefix + label, value]));
}

function withoutReserved(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => !/^pc(ns|sa)\./.test(label)));
}

// ---------------------------------------------------------------- selectors, one label at a time

/** Whose labels a selector speaks of. */
type View = 'own' | 'namespace' | 'account';

function matches(text: string, thing: Thing, view: View): boolean {
  return holds(
    parseSelector(text) as Exclude<ReturnType<typeof parseSelector>, SelectorProblem>,
    thing,
    view,
  );
}

function holds(selector: Selector, thing: Thing, view: View): boolean {
  const prefix = { own: '', namespace: 'pcns.', account: 'pcsa.' }[view];
  const value = 'label' in selector ? thing.labels[prefix + selector.label] : undefined;
  switch (selector.kind) {
    case 'all':
      return view !== 'namespace' || thing.namespace !== undefined;
    case 'global':
      return thing.namespace === undefined;
    case 'has':
      return value !== undefined;
    case 'equals':
      return value === selector.value;
    case 'not-equals':
      return value !== selector.value;
    case 'contains':
      return value?.includes(selector.value) === true;
    case 'starts-with':
      return value?.startsWith(selector.value) === true;
    case 'ends-with':
      return value?.endsWith(selector.value) === true;
    case 'in':
      return value !== undefined && selector.values.includes(value);
    case 'not-in':
      return value === undefined || !selector.values.includes(value);
    case 'not':
      return !holds(selector.operand, thing, view);
    case 'and':
      return selector.operands.every(operand => holds(operand, thing, view));
    case 'or':
      return selector.operands.some(operand => holds(operand, thing, view));
  }
}

function matchesLabels(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
  prefix: string,
): boolean {
  if (selector === undefined) return true;
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => labels[prefix + key] === value) &&
    selector.matchExpressions.every(({ key, operator, values }) =>
      satisfies(labels[prefix + key], operator, values),
    )
  );
}

function satisfies(
  value: string | undefined,
  operator: LabelSelector['matchExpressions'][number]['operator'],
  values: readonly string[],
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
