/**
 * What the BGPConfiguration documents for this host ask for and Margay does otherwise, or not at all: each is said, with what holds instead
 * (pure).
 */
import type { BGPConfigurationResource } from '../../core/resources/resource.js';
import { afterChange, type ResourceChange } from './calculator.js';
import { type Condition, condition } from './condition.js';
import { CLUSTER_NAME, Configurations, ownName } from './configurations.js';
import type { AgentMode } from './peer-context.js';

type Spec = BGPConfigurationResource['spec'];

export interface BgpSettingsOptions {
  readonly nodeName: string;
  readonly mode: AgentMode;
  /** Of our routes in the kernel; undefined: there are none. */
  readonly routeMetric: number | undefined;
}

export class BgpSettingsCalculator {
  readonly #options: BgpSettingsOptions;
  readonly #configurations = new Configurations<BGPConfigurationResource>();

  constructor(options: BgpSettingsOptions) {
    this.#options = options;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    if (id.kind !== 'BGPConfiguration') return;
    if (resource?.kind === 'BGPConfiguration') this.#configurations.set(resource);
    else this.#configurations.delete(id.name);
  }

  /** By name of the document. */
  get conditions(): readonly Condition[] {
    return [...this.#configurations.documents]
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .flatMap(document => this.#conditionsOf(document));
  }

  /** What speaks for another host is that host's to report. */
  #conditionsOf({ metadata: { name }, spec }: BGPConfigurationResource): Condition[] {
    const object = `BGPConfiguration/${name}`;
    if (name === CLUSTER_NAME || name === ownName(this.#options.nodeName)) {
      return notActedOn(spec, this.#options).map(([field, words]) =>
        condition('warning', 'not-acted-on', [object, field], `${object} has spec.${field}: ${words}`),
      );
    }
    if (name.startsWith(ownName(''))) return [];
    const message = `${object} speaks for no host, because its name is neither "default" nor "node.NAME": it is left out`;
    return [condition('warning', 'bgp-configuration-name', [object], message)];
  }
}

function notActedOn(
  spec: Spec,
  { mode, routeMetric }: BgpSettingsOptions,
): (readonly [keyof Spec, string])[] {
  const found: (readonly [keyof Spec, string])[] = [];
  const say = (field: keyof Spec, words: string) => found.push([field, words]);
  if (spec.logSeverityScreen !== undefined && spec.logSeverityScreen !== 'Info') {
    say('logSeverityScreen', "what is logged is up to each agent's own setting log.level");
  }
  if (spec.ignoredInterfaces !== undefined && spec.ignoredInterfaces.length > 0) {
    say('ignoredInterfaces', "there is nothing to ignore: routes of a host's interfaces are never announced");
  }
  if (spec.programClusterRoutes !== undefined && spec.programClusterRoutes !== 'Enabled') {
    say(
      'programClusterRoutes',
      'one agent has the RIB and the kernel: it programs the routes of every pool, whatever its mode',
    );
  }
  for (const field of ['localWorkloadPeeringIPV4', 'localWorkloadPeeringIPV6'] as const) {
    if (spec[field] !== undefined) say(field, 'this version does not peer with workloads');
  }
  for (const field of ['ipv4NormalRoutePriority', 'ipv6NormalRoutePriority'] as const) {
    if (spec[field] === undefined || spec[field] === routeMetric || mode === 'route-reflector') continue;
    const here = routeMetric === undefined ? '' : `, here ${routeMetric}`;
    say(field, `the metric of our routes in the kernel is each agent's own setting routes.metric${here}`);
  }
  if (mode === 'route-reflector') {
    for (const field of ['serviceClusterIPs', 'serviceExternalIPs', 'serviceLoadBalancerIPs'] as const) {
      if ((spec[field] ?? []).length > 0)
        say(field, 'a reflector forwards nothing and announces no route of its own');
    }
  }
  return found;
}
