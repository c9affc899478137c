/** Policies as people write them, for fast-check: every field, sound ones and some that are not. */
import fc from 'fast-check';

const net = fc.constantFrom('10.0.0.0/8', '192.0.2.1', '0.0.0.0/0', '10.244.0.0/16');
const selector = fc.constantFrom('', 'all()', "role == 'db'", "!has(a) || b in {'x', 'y'}", ' has( a ) ');
const port = fc.constantFrom<number | string>(1, 80, 65535, '80', '1:65535', '8000:8080', 'http');
const direction = fc.constantFrom('Ingress', 'Egress');
const order = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null));

/** Each field may be missing. */
const some = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T, requiredKeys: (keyof T)[] = []) =>
  fc.record(fields, { requiredKeys } as never) as fc.Arbitrary<Record<string, unknown>>;

const entity = some({
  nets: fc.array(net, { maxLength: 2 }),
  notNets: fc.array(net, { maxLength: 2 }),
  selector,
  notSelector: selector,
  namespaceSelector: fc.oneof(selector, fc.constant('global()')),
  serviceAccounts: some({ names: fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }), selector }),
  ports: fc.array(port, { maxLength: 3 }),
  notPorts: fc.array(port, { maxLength: 3 }),
});

const ofPorts = some(
  {
    action: fc.constantFrom('Allow', 'Deny', 'Log', 'Pass'),
    ipVersion: fc.constant(4),
    protocol: fc.constantFrom<number | string>('TCP', 'udp', 'SCTP', 'UDPLite', 6, '17'),
    notProtocol: fc.constantFrom<number | string>('TCP', 255),
    source: entity,
    destination: entity,
    metadata: some({ annotations: fc.dictionary(fc.constantFrom('a', 'b'), fc.string()) }),
  },
  ['action', 'protocol'],
);
const ofIcmp = some(
  {
    action: fc.constantFrom('Allow', 'Deny'),
    protocol: fc.constantFrom<number | string>('ICMP', 'icmpv6', 1),
    icmp: some({ type: fc.integer({ min: 0, max: 254 }), code: fc.integer({ min: 0, max: 255 }) }),
    notICMP: some({ type: fc.integer({ min: 0, max: 254 }) }),
  },
  ['action', 'protocol'],
);
const rules = fc.array(fc.oneof(ofPorts, ofIcmp), { maxLength: 3 });

const policy = {
  tier: fc.constantFrom('default', 'security'),
  order,
  selector,
  serviceAccountSelector: selector,
  types: fc.uniqueArray(direction),
  ingress: rules,
  egress: rules,
  performanceHints: fc.array(fc.constant('AssumeNeededOnEveryNode'), { maxLength: 1 }),
};
const global = {
  ...policy,
  namespaceSelector: selector,
  applyOnForward: fc.boolean(),
  doNotTrack: fc.boolean(),
};
const stagedAction = fc.constantFrom('Set', 'Learn', 'Ignore');

const labelSelector = some({
  matchLabels: fc.dictionary(fc.constantFrom('a', 'b.c/d'), fc.constantFrom('', 'x')),
  matchExpressions: fc.array(
    fc.oneof(
      fc.record({
        key: fc.constant('a'),
        operator: fc.constantFrom('In', 'NotIn'),
        values: fc.constant(['x', 'y']),
      }),
      fc.record({ key: fc.constant('b'), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
    ),
    { maxLength: 2 },
  ),
});
const peer = fc.oneof(
  fc.record({ podSelector: labelSelector }),
  fc.record({ namespaceSelector: labelSelector, podSelector: labelSelector }),
  fc.record({
    ipBlock: fc.constantFrom({ cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }, { cidr: 'fd00::/8' }),
  }),
);
const kubernetesPort = some({
  protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
  port: fc.constantFrom(80, 'http'),
});
const kubernetesRules = (peers: 'from' | 'to') =>
  fc.array(
    some({ [peers]: fc.array(peer, { maxLength: 2 }), ports: fc.array(kubernetesPort, { maxLength: 2 }) }),
    {
      maxLength: 2,
    },
  );
const kubernetes = {
  podSelector: labelSelector,
  policyTypes: fc.uniqueArray(direction),
  ingress: kubernetesRules('from'),
  egress: kubernetesRules('to'),
};

/** Specs by kind. */
export const policySpecs = {
  NetworkPolicy: some(policy),
  GlobalNetworkPolicy: some(global),
  StagedNetworkPolicy: some({ ...policy, stagedAction }),
  StagedGlobalNetworkPolicy: some({ ...global, stagedAction }),
  KubernetesNetworkPolicy: some(kubernetes),
  StagedKubernetesNetworkPolicy: some({ ...kubernetes, stagedAction }),
  Profile: some({
    labelsToApply: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('', 'x', 'y-z')),
    ingress: rules,
    egress: rules,
  }),
} as const;
