/** How documents of network policy are shown: as tables, and as text that can be edited and applied again. */
import test from 'ava';
import { parse } from 'yaml';
import type { Context } from '../../bgpctl/command.js';
import { describeCommand } from '../../bgpctl/commands/describe.js';
import { getCommand } from '../../bgpctl/commands/get.js';
import { formatResources } from '../../bgpctl/format/resources.js';
import { parseResource } from '../../core/resources/parse.js';
import { KUBERNETES_API, type Resource, type ResourceKind } from '../../core/resources/resource.js';
import { agentStatus } from '../agent/control/fake-backend.js';
import { written } from '../core/resources/written.js';

function resource(kind: ResourceKind, spec: object, labels: Readonly<Record<string, string>> = {}): Resource {
  const document = written(kind, spec);
  const parsed = parseResource({ ...document, metadata: { ...(document.metadata as object), labels } });
  if (parsed.kind !== 'ok') throw new Error(JSON.stringify(parsed.problems));
  return parsed.resource;
}

const rules = {
  ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [80, '1:2', 'http'] } }],
};
const examples: Readonly<Partial<Record<ResourceKind, Resource>>> = {
  Tier: resource('Tier', { order: 5 }),
  NetworkPolicy: resource('NetworkPolicy', { order: 1.5, ...rules }),
  GlobalNetworkPolicy: resource('GlobalNetworkPolicy', { tier: 'security', selector: 'has(a)', egress: [] }),
  KubernetesNetworkPolicy: resource('KubernetesNetworkPolicy', { ingress: [{ ports: [{ port: 80 }] }] }),
  NetworkSet: resource('NetworkSet', { nets: ['10.0.0.0/8', 'fd00::/8'] }),
  Profile: resource('Profile', { labelsToApply: { a: 'b' } }),
  HostEndpoint: resource('HostEndpoint', { node: 'host', interfaceName: '*', profiles: ['p'] }),
  Namespace: resource('Namespace', {}, { team: 'x' }),
};

for (const [kind, narrow, wide] of [
  ['Tier', 'NAME  ORDER  DEFAULTACTION\na     5      Deny\n', undefined],
  [
    'NetworkPolicy',
    'NAMESPACE  NAME  TIER\ndefault    a     default\n',
    'NAMESPACE  NAME  TIER     ORDER  SELECTOR  TYPES    RULES\ndefault    a     default  1.5    all()     Ingress  1\n',
  ],
  [
    'GlobalNetworkPolicy',
    'NAME  TIER\na     security\n',
    'NAME  TIER      ORDER  SELECTOR  TYPES    RULES\na     security         has(a)    Ingress  0\n',
  ],
  [
    'KubernetesNetworkPolicy',
    'NAMESPACE  NAME  TYPES\ndefault    a     Ingress\n',
    'NAMESPACE  NAME  TYPES    RULES\ndefault    a     Ingress  1\n',
  ],
  [
    'NetworkSet',
    'NAMESPACE  NAME  NETS\ndefault    a     2\n',
    'NAMESPACE  NAME  NETS\ndefault    a     10.0.0.0/8,fd00::/8\n',
  ],
  ['Profile', 'NAME\na\n', 'NAME  LABELS\na     a=b\n'],
  [
    'HostEndpoint',
    'NAME  NODE\na     host\n',
    'NAME  NODE  INTERFACE  IPS  PROFILES\na     host  *               p\n',
  ],
  ['Namespace', 'NAME\na\n', 'NAME  LABELS\na     team=x\n'],
] as const) {
  test(`the columns of a ${kind}`, t => {
    const plain = { width: 80, colour: false };
    const all = [examples[kind] as Resource];
    t.is(formatResources(kind, all, { ...plain, wide: false }), narrow);
    t.is(formatResources(kind, all, { ...plain, wide: true }), wide ?? narrow);
  });
}

/** What a command prints about one resource. */
async function printed(
  command: typeof getCommand,
  given: Readonly<Record<string, unknown>>,
  shown: Resource,
): Promise<string> {
  let text = '';
  const stored = { resource: shown, revision: 'r' };
  const context = {
    client: {
      resources: async () => ({ resources: [stored] }),
      resource: async () => stored,
      status: async () => agentStatus(),
      peers: async () => ({ peers: [] }),
    },
    columns: 80,
    colour: false,
    out: async (more: string) => {
      text += more;
    },
  } as unknown as Context;
  await command.run(given as never, context);
  return text;
}

for (const [kind, example] of Object.entries(examples)) {
  test(`a ${kind} is shown as the document that can be applied again`, async t => {
    for (const output of ['yaml', 'json']) {
      const list = parse(await printed(getCommand, { kind, output }, example)) as {
        items: unknown[];
        kind: string;
      };
      t.deepEqual(
        list.items.map(item => parseResource(item)),
        [{ kind: 'ok', resource: example }],
      );
      t.false(list.kind.startsWith('KubernetesNetworkPolicy'));
      const one = parse(await printed(getCommand, { kind, name: 'a', output }, example)) as {
        apiVersion: string;
      };
      t.deepEqual(parseResource(one), { kind: 'ok', resource: example });
      if (kind === 'Namespace') t.is(one.apiVersion, KUBERNETES_API);
    }
    const described = await printed(describeCommand, { kind, name: 'a' }, example);
    t.deepEqual(parseResource(parse(described.slice(described.indexOf('\n\n')))), {
      kind: 'ok',
      resource: example,
    });
  });
}
