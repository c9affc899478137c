/** Numbers of netlink and rtnetlink, by their kernel headers. */

/** linux/netlink.h */
export const MessageType = {
  noop: 1,
  error: 2,
  done: 3,
  /** linux/rtnetlink.h */
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  delNeighbour: 29,
  getNeighbour: 30,
  newRule: 32,
  delRule: 33,
  getRule: 34,
} as const;

/** linux/netlink.h */
export const Flag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  dumpInterrupted: 0x10,
  dumpFiltered: 0x20,
  /** NLM_F_ROOT | NLM_F_MATCH */
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** In an error: the request's payload is not repeated; attributes follow. */
  capped: 0x100,
  ackTlvs: 0x200,
} as const;

/** enum nlmsgerr_attrs */
export const ErrorAttribute = { message: 1, offset: 2 } as const;

/** SOL_NETLINK and its options */
export const SOL_NETLINK = 270;
export const SocketOption = {
  addMembership: 1,
  noEnobufs: 5,
  capAck: 10,
  extendedAck: 11,
  getStrictCheck: 12,
} as const;

/** enum rtnetlink_groups */
export const Group = {
  link: 1,
  neighbour: 3,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv4Rule: 8,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv6Rule: 19,
} as const;

/** sys/socket.h */
export const AddressFamilyNumber = { unspecified: 0, ipv4: 2, bridge: 7, ipv6: 10 } as const;

/** enum rtattr_type_t */
export const RouteAttribute = {
  destination: 1,
  source: 2,
  outputInterface: 4,
  gateway: 5,
  priority: 6,
  preferredSource: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  encapsulationType: 21,
  encapsulation: 22,
  via: 18,
} as const;

/** enum: RTN_* */
export const RouteType = {
  unspecified: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;

/** enum rt_scope_t */
export const RouteScope = { universe: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;

/** enum rt_class_t */
export const RouteTable = { unspecified: 0, main: 254, local: 255 } as const;

/** rtnh_flags and rtm_flags */
export const NextHopFlag = { dead: 1, pervasive: 2, onlink: 4, offload: 8, linkdown: 16 } as const;
export const RouteFlag = { cloned: 0x200 } as const;

/** RTAX_* */
export const RouteMetric = { mtu: 2 } as const;

/** IFLA_* */
export const LinkAttribute = {
  address: 1,
  name: 3,
  mtu: 4,
  master: 10,
  operationalState: 16,
  linkInfo: 18,
  alias: 20,
} as const;
/** IFLA_INFO_* */
export const LinkInfoAttribute = { kind: 1, data: 2 } as const;
/** linux/if_tunnel.h: IFLA_IPTUN_* */
export const IptunAttribute = { local: 2, remote: 3, ttl: 4, pathMtuDiscovery: 10 } as const;
/** IFLA_VXLAN_* */
export const VxlanAttribute = { id: 1, link: 3, local: 4, learning: 7, port: 15, local6: 17 } as const;
/** linux/if.h */
export const LinkFlag = { up: 1, loopback: 8, running: 0x40, lowerUp: 0x10000 } as const;

/** IFA_* */
export const AddressAttribute = { address: 1, local: 2, label: 3, flags: 8 } as const;

/** NDA_* */
export const NeighbourAttribute = { destination: 1, linkLayerAddress: 2 } as const;

/** NTF_*: of a forwarding database, the device's own entry, not its bridge's */
export const NeighbourFlag = { self: 0x02 } as const;
/** NUD_* */
export const NeighbourState = { reachable: 0x02, stale: 0x04, noArp: 0x40, permanent: 0x80 } as const;

/** FRA_* */
export const RuleAttribute = {
  destination: 1,
  source: 2,
  priority: 6,
  mark: 10,
  table: 15,
  mask: 16,
} as const;
/** FR_ACT_TO_TBL */
export const RULE_TO_TABLE = 1;

/** linux/netfilter/nfnetlink.h: NFNL_SUBSYS_NFTABLES, the high byte of a message's type */
export const NFTABLES_SUBSYSTEM = 10;
/** enum nfnetlink_groups: NFNLGRP_NFTABLES */
export const NFTABLES_GROUP = 7;
/** enum nf_tables_msg_types */
export const NftablesMessage = {
  newTable: 0,
  delTable: 2,
  newChain: 3,
  delChain: 5,
  newRule: 6,
  delRule: 8,
  newGeneration: 15,
} as const;
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE and NFTA_RULE_TABLE are the same; so is what follows of each */
export const NftablesAttribute = {
  table: 1,
  ruleChain: 2,
  chainName: 3,
  generationPid: 2,
  generationName: 3,
} as const;
