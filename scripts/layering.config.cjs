/**
 * Who may import whom (ARCHITECTURE.md, "Rooms"). Checked by `npm run check`, which also plants a violation and demands that it
 * is found.
 */
const rooms = ['core', 'linux', 'bgp', 'ipip', 'policy', 'store', 'ipam', 'agent', 'bgpctl', 'cni'];
const except = (...allowed) => `^(${rooms.filter(room => !allowed.includes(room)).join('|')})/`;

/** In a room that has shells, too. */
const pureUdp = [
  'forwarder',
  'icmp-error',
  'inner-packet',
  'kept-open',
  'routing-table',
  'state',
  'status',
  'trouble-list',
];

/** As above: the rest of the room moves packets and messages. */
const shellsOfBfd = ['worker-port'];

const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: except(...allowed) },
});

module.exports = {
  forbidden: [
    only('core-imports-nothing-of-ours', '^core/', ['core'], 'shared words know nobody'),
    only('linux-imports-core', '^linux/', ['core', 'linux'], 'the kernel door serves everyone'),
    only('bgp-imports-core', '^bgp/', ['core', 'bgp'], 'the speaker is a library of its own'),
    only(
      'ipip-imports-core-and-linux',
      '^ipip/(?!udp/main\\.ts$)',
      ['core', 'linux', 'ipip'],
      'siblings meet in the agent, and in the main of a process of its own',
    ),
    only(
      'policy-imports-core-and-linux',
      '^policy/',
      ['core', 'linux', 'policy'],
      'siblings meet in the agent',
    ),
    only('store-imports-core-and-linux', '^store/', ['core', 'linux', 'store'], 'siblings meet in the agent'),
    only(
      'ipam-imports-core-and-store',
      '^ipam/',
      ['core', 'store', 'ipam'],
      'addresses are claims in a store, whichever it is and whoever asks',
    ),
    {
      name: 'front-ends-speak-to-the-control-api',
      comment:
        'bgpctl and cni know the documents, the control API, and how policy is judged without a host; nothing else of the agent',
      severity: 'error',
      from: { path: '^(bgpctl|cni)/', pathNot: '^bgpctl/store/' },
      to: {
        path: [
          except('core', 'bgpctl', 'cni', 'agent', 'policy'),
          '^agent/(?!control/)',
          '^policy/(?!journey/|evaluate/)',
        ],
      },
    },
    {
      name: 'stores-are-opened-without-an-agent',
      comment:
        'what moves and mends a store must do without one: it knows the stores, and where the configuration says they are',
      severity: 'error',
      from: { path: '^bgpctl/store/' },
      to: { path: [except('core', 'bgpctl', 'agent', 'store'), '^agent/(?!control/|config/|open-store)'] },
    },
    {
      name: 'mains-are-started-only',
      comment: 'what puts a process together may know everybody, so nobody may know it',
      severity: 'error',
      from: {},
      to: { path: '^(agent|bgpctl|ipip/udp)/main\\.ts$' },
    },
    {
      name: 'bgp-has-no-packages',
      comment: 'margay/bgp has no run-time dependency',
      severity: 'error',
      from: { path: '^bgp/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'only-linux-imports-koffi',
      comment: 'foreign calls stay behind one door',
      severity: 'error',
      from: { pathNot: '^linux/' },
      to: { path: '(^|/)node_modules/koffi/' },
    },
    {
      name: 'pure-code-has-no-builtins',
      comment: 'what decides touches no socket, clock, process or file',
      severity: 'error',
      from: {
        path: [
          `^(core|bgp/(wire|fsm|rib)|agent/calculators|policy/calculate)/`,
          `^bgp/bfd/(?!(${shellsOfBfd.join('|')})\\.ts$)`,
          `^ipip/udp/(${pureUdp.join('|')})\\.ts$`,
          // The rest of the shells there are known to the store's port alone.
          '^ipam/(?!record-file\\.ts$)',
        ],
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      comment: 'two files that need each other are one file, or a third is missing',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
