/**
 * Every setting of the agent in one table: its place in `agent.yaml`, what it may be, its default and what it does. Flags, environment
 * variables, `--check` and docs/configuration.md all come from here. Pure.
 */
import { parseAsn } from '../../core/asn.js';
import { redisSettings } from './redis-settings.js';
import type { Setting } from './setting.js';
import {
  addressWish,
  listOf,
  parseEndpoint,
  parseNetwork,
  parseStation,
  path,
  wholeNumber,
  word,
} from './setting-values.js';

/** sun_path of `struct sockaddr_un`, unix(7), with its end: what is longer is cut off in silence. */
const LONGEST_SOCKET_PATH = 107;

export const settings: readonly Setting[] = [
  {
    key: 'nodeName',
    path: 'nodeName',
    flag: 'node-name',
    environment: 'MARGAY_NODE_NAME',
    fallback: undefined,
    fallbackWords: "the host's name",
    allowed: 'a name of small letters, digits, "-" and "."',
    describe: "This host's name among the nodes: that of its Node document.",
    parse: text => (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text) ? text : undefined),
  },
  {
    key: 'ipv4Address',
    path: 'ipv4.address',
    flag: 'ipv4-address',
    environment: 'MARGAY_IPV4_ADDRESS',
    fallback: 'autodetect',
    allowed: 'autodetect, off, interface=NAME, or an address with the length of its subnet (10.0.0.1/24)',
    describe:
      "This host's address: what peers connect to and what routes to its pods lead to. `autodetect` takes that of the default route's interface, and refuses where there are several. `off`: a host of IPv6 alone.",
    parse: addressWish('ipv4'),
  },
  {
    key: 'ipv6Address',
    path: 'ipv6.address',
    flag: 'ipv6-address',
    environment: 'MARGAY_IPV6_ADDRESS',
    fallback: 'autodetect',
    allowed: 'autodetect, off, interface=NAME, or an address with the length of its subnet (2001:db8::1/64)',
    describe:
      'The same for IPv6. `autodetect` looks for one that is global and neither temporary nor deprecated; a host that has none, or several, goes without, and `bgpctl status` says why. `off` leaves what the Node document has.',
    parse: addressWish('ipv6'),
  },
  {
    key: 'mode',
    path: 'mode',
    flag: 'mode',
    environment: 'MARGAY_MODE',
    fallback: 'node',
    allowed: 'node or route-reflector',
    describe:
      '`node` is a host with workloads. `route-reflector` reflects routes between its peers and forwards nothing: nothing is written to the kernel whatever `dataplane` says, no route of its own is announced, and external peers exchange no routes without a BGPFilter for the direction (RFC 8212). Its Node document gets a `routeReflectorClusterID`, its own address, if it has none.',
    parse: word('node', 'route-reflector'),
  },
  {
    key: 'storeDirectory',
    path: 'store.directory',
    flag: 'store-directory',
    environment: 'MARGAY_STORE_DIRECTORY',
    fallback: '/var/lib/margay/store',
    allowed: 'an absolute path',
    describe:
      "The cluster's documents, a YAML file each, for one host or several agents on one machine. Where `store.redis.nodes` are given they are there instead.",
    parse: path,
  },
  ...redisSettings,
  {
    key: 'dataplane',
    path: 'dataplane',
    flag: 'dataplane',
    environment: 'MARGAY_DATAPLANE',
    fallback: 'linux',
    allowed: 'linux or none',
    describe:
      "`none` runs the speaker alone: nothing is written to this host's kernel. With `linux` there is one agent per host, that is per network namespace; a second one is refused.",
    parse: word('linux', 'none'),
  },
  {
    key: 'routeMetric',
    path: 'routes.metric',
    flag: 'route-metric',
    environment: 'MARGAY_ROUTE_METRIC',
    fallback: '1024',
    allowed: 'a whole number from 1 to 4294967295',
    describe: 'Metric of our routes in the main table; lower wins.',
    parse: wholeNumber(1, 4294967295),
  },
  {
    key: 'asNumber',
    path: 'bgp.asNumber',
    flag: 'as-number',
    environment: 'MARGAY_AS_NUMBER',
    fallback: 'auto',
    allowed: 'auto, or an AS number from 1 to 4294967295',
    describe:
      "This host's AS, which it writes into its Node document. `auto` leaves what stands there; where nothing does it is that of the BGPConfiguration, else 64512.",
    parse: text => (text === 'auto' ? text : parseAsn(text)),
  },
  {
    key: 'restartTimeSeconds',
    path: 'bgp.restartTimeSeconds',
    flag: 'restart-time',
    environment: 'MARGAY_RESTART_TIME',
    fallback: '120',
    allowed: 'a whole number from 0 to 4095',
    describe:
      'Seconds that peers keep our routes while this agent restarts (RFC 4724). For the mesh a BGPConfiguration with nodeMeshMaxRestartTime overrides it, for its peers a BGPPeer with maxRestartTime.',
    parse: wholeNumber(0, 4095),
  },
  {
    key: 'staleTimeSeconds',
    path: 'bgp.staleTimeSeconds',
    flag: 'stale-time',
    environment: 'MARGAY_STALE_TIME',
    fallback: '120',
    allowed: 'a whole number from 1 to 86400',
    describe:
      'Seconds after which routes go that a restarted peer has not announced again, and that were found in the kernel at start and nobody has announced.',
    parse: wholeNumber(1, 86400),
  },
  {
    key: 'acceptForwarding',
    path: 'forwarding.accept',
    flag: 'accept-forwarding',
    environment: 'MARGAY_ACCEPT_FORWARDING',
    fallback: 'false',
    allowed: 'true or false',
    describe:
      "Adds one rule of our own that accepts forwarded traffic of the pools, for hosts whose FORWARD policy is DROP (Docker's default).",
    parse: text => ({ true: true, false: false })[text],
  },
  {
    key: 'policy',
    path: 'policy.enforce',
    flag: 'policy',
    environment: 'MARGAY_POLICY',
    fallback: 'on',
    allowed: 'on or off',
    describe:
      'Whether network policy is enforced on this host, by iptables and ipset, which it must then have. A workload that has neither a profile nor a policy is cut off; off takes away what was enforced, and guards nothing.',
    parse: word('on', 'off'),
  },
  {
    key: 'externalNodes',
    path: 'tunnels.externalNodes',
    flag: 'external-nodes',
    environment: 'MARGAY_EXTERNAL_NODES',
    fallback: '',
    fallbackWords: 'none',
    list: true,
    allowed: 'an IP address or CIDR (all bits zero behind its length)',
    describe:
      'Hosts that are no nodes of the cluster and may send encapsulated packets to this host nevertheless. From all others than these and the nodes such packets are dropped, wherever this host receives any: that takes the commands `iptables` and `ipset`, which a host with tunnels must have.',
    parse: listOf(parseNetwork),
  },
  {
    key: 'vxlanChecksums',
    path: 'tunnels.vxlanChecksumOffload',
    flag: 'vxlan-checksum-offload',
    environment: 'MARGAY_VXLAN_CHECKSUM_OFFLOAD',
    fallback: 'auto',
    allowed: 'auto, on or off',
    describe:
      "Whether the VXLAN device leaves checksums to the network card. Some cards and kernels get those of packets inside VXLAN wrong: small packets pass and TCP hangs. `auto` switches it off on kernels before 5.8 and leaves others' setting alone.",
    parse: word('auto', 'on', 'off'),
  },
  {
    key: 'controlSocket',
    path: 'control.socket',
    flag: 'control-socket',
    environment: 'MARGAY_CONTROL_SOCKET',
    fallback: '/run/margay/control.sock',
    allowed: `an absolute path of at most ${LONGEST_SOCKET_PATH} bytes`,
    describe: 'Where bgpctl reaches the agent; its directory is made with mode 0750.',
    parse: text => (Buffer.byteLength(text) <= LONGEST_SOCKET_PATH ? path(text) : undefined),
  },
  {
    key: 'stateDirectory',
    path: 'stateDirectory',
    flag: 'state-directory',
    environment: 'MARGAY_STATE_DIRECTORY',
    fallback: '/var/lib/margay',
    allowed: 'an absolute path',
    describe:
      'What the agent remembers of this host: who it is to the others (`instance`, which no other host may have), the kernel parameters it changed, peers that were shut down, its blocks and addresses, and documents that were good.',
    parse: path,
  },
  {
    key: 'bmpStations',
    path: 'bmp.stations',
    flag: 'bmp-stations',
    environment: 'MARGAY_BMP_STATIONS',
    fallback: '',
    fallbackWords: 'none',
    list: true,
    allowed:
      'ADDRESS:PORT, an IPv6 address in brackets, with /pre-policy (which it is without), /post-policy or /both behind it',
    describe:
      'Monitoring stations (BMP, RFC 7854) that the agent dials and tells of every session and every route of its peers: as they send it, or as the import policies leave it, or both.',
    parse: listOf(parseStation),
  },
  {
    key: 'metrics',
    path: 'metrics.listen',
    flag: 'metrics-listen',
    environment: 'MARGAY_METRICS_LISTEN',
    fallback: 'none',
    allowed: 'none, or ADDRESS:PORT, an IPv6 address in brackets',
    describe:
      'Where Prometheus reads the metrics, at `/metrics`, without asking who it is: keep it to addresses that only it reaches. `bgpctl metrics` prints the same.',
    parse: text => (text === 'none' ? text : parseEndpoint(text)),
  },
  {
    key: 'logLevel',
    path: 'log.level',
    flag: 'log-level',
    environment: 'MARGAY_LOG_LEVEL',
    fallback: 'info',
    allowed: 'debug, info, warn or error',
    describe: 'The least severe messages that are logged.',
    parse: word('debug', 'info', 'warn', 'error'),
  },
  {
    key: 'logFormat',
    path: 'log.format',
    flag: 'log-format',
    environment: 'MARGAY_LOG_FORMAT',
    fallback: 'auto',
    allowed: 'auto, json or pretty',
    describe: '`auto` is readable lines on a terminal and JSON elsewhere.',
    parse: word('auto', 'json', 'pretty'),
  },
];
