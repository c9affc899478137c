/**
 * What `docs/interop.md` has a row for: which tests show it, told by their names behind that of the daemon, and what a daemon of this
 * version does not have (its OPEN in `capabilities.test.ts`, its documentation, its program). A test that is no feature's, and a feature
 * that nothing shows, fail the run that makes the page.
 */

export const daemons = [
  { name: 'bird2', title: 'BIRD 2.0.12' },
  { name: 'frr', title: 'FRR 8.4.4' },
  { name: 'gobgp', title: 'GoBGP 3.10.0' },
] as const;

export interface Feature {
  readonly name: string;
  readonly rfc: string;
  readonly tests: RegExp;
  readonly lacks: Partial<Record<(typeof daemons)[number]['name'], string>>;
}

export const features: readonly Feature[] = [
  feature(
    'sessions, routes and withdrawals both ways, 4-octet AS numbers',
    '4271, 6793',
    /routes and withdrawals both ways; either end|dials a speaker that only accepts/,
  ),
  feature('connection collision', '4271, 6286', /both dial at once/),
  feature('no hold time at all', '4271', /misses a KEEPALIVE/, {
    gobgp: 'it bounds each write by the hold time, so with 0 its first message ends the session',
  }),
  feature('hold time expires on a cut path', '4271', /by a hold time of/),
  feature('capabilities', '5492', /the capabilities of its OPEN/),
  feature('IPv6 unicast, in a session over IPv6', '4760, 2545', /IPv6 unicast:/),
  feature(
    'our link-local next hop beside the global one (GoBGP shows the global one alone)',
    '2545',
    /our link-local next hop/,
  ),
  feature('IPv4 prefixes with IPv6 next hops, beside IPv6 in one session', '8950', /RFC 8950/),
  feature('communities and large communities both ways', '1997, 8092', /communities and large communities/),
  feature('route reflection: it is our client', '4456', /by us, with it as a client/),
  feature('route reflection: we are its clients', '4456', /by it, with two of ours/),
  feature('ADD-PATH: it takes several paths', '7911', /ADD-PATH .* from us/),
  feature('ADD-PATH: it sends several paths', '7911', /ADD-PATH .* from it/),
  feature('route refresh both ways', '2918', /route refresh both ways/),
  feature(
    'enhanced route refresh both ways',
    '7313',
    /route refresh both ways, with a beginning and an end/,
    {
      gobgp: 'no such capability in its OPEN',
    },
  ),
  feature('extended messages', '8654', /extended messages/, { gobgp: 'no such capability in its OPEN' }),
  feature(
    'graceful restart: it helps us',
    '4724',
    / helps[: ]|connection is reset, both ends|our host loses power/,
  ),
  feature('graceful restart: we help it', '4724', / restarts: killed|its host loses power/),
  feature('graceful restart under ping, both roles', '4724', /no ping is lost/),
  feature('graceful restart after a NOTIFICATION', '8538', /RFC 8538/, {
    bird2: 'no N bit in its OPEN',
  }),
  feature('long-lived graceful restart: it keeps our routes', '9494', /long-lived .* it keeps our routes/),
  feature('long-lived graceful restart: we keep its routes', '9494', /long-lived .* its routes outlive/),
  feature('shutdown communication in and out', '9003', /shutdown communications/),
  feature('TCP MD5: the right password', '2385', /TCP MD5, the right password/),
  feature('TCP MD5: a wrong password', '2385', /TCP MD5, a wrong password/),
  feature('TCP MD5: a password that changes', '2385', /TCP MD5, a password that changes/),
  feature('GTSM', '5082', /GTSM/),
  feature('dynamic peers: it is one of ours', '', /a dynamic peer of a range/),
  feature('roles and OTC', '9234', /roles, ours|roles that do not go together/, {
    gobgp: 'no roles, neither in its configuration nor in its OPEN',
  }),
  feature('a role demanded of a peer that says none', '9234', /a role that is demanded/),
  feature('maximum prefixes', '4486', /maximum prefixes/),
  feature('graceful shutdown', '8326', /GRACEFUL_SHUTDOWN/),
  feature('route policies', '', /policies: what is added/),
  feature('BFD over one hop and several, IPv4 and IPv6', '5880, 5881, 5883', /BFD over/, {
    gobgp: 'no BFD',
  }),
  feature('BFD timers, AdminDown, wrong packets, restarts', '5880', /BFD (?!over)/, { gobgp: 'no BFD' }),
];

function feature(name: string, rfc: string, tests: RegExp, lacks: Feature['lacks'] = {}): Feature {
  return { name, rfc, tests, lacks };
}
