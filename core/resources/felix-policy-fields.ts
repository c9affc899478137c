/** The fields of `FelixConfiguration` that speak of policy and its rendering, as Calico checks them: words in any case, "" is not given. */
import { z } from 'zod';
import { duration, flag, hostOrPrefix, ipv4, optional, wholeNumber } from './fields.js';
import { givenText, MAX_PORT } from './policy-fields.js';

/** Kept as they are written here. */
function anyCase<const T extends readonly [string, ...string[]]>(words: T) {
  const allowed = `one of ${words.join(', ')}`;
  return optional(
    z.string(allowed).transform((value, context): T[number] | undefined => {
      const found = words.find(word => word.toLowerCase() === value.toLowerCase());
      if (found === undefined && value !== '') {
        context.issues.push({ code: 'custom', input: value, message: allowed });
      }
      return found;
    }),
  );
}

function textOf(pattern: RegExp, allowed: string) {
  return givenText(z.string(allowed).regex(pattern, allowed));
}

const failsafe = z.strictObject({
  protocol: anyCase(['TCP', 'UDP', 'SCTP']).transform(value => value ?? 'TCP'),
  port: wholeNumber(1, MAX_PORT),
  net: optional(hostOrPrefix),
});
const failsafes = optional(z.array(failsafe, 'a list of { protocol, port, net }'));

/** Rendering needs a bit for each of: accepted, passed, and what is put together from several matches. */
const LEAST_MARK_BITS = 5;
const maskAllowed = `a whole number of at most 32 bits, ${LEAST_MARK_BITS} of them set at least, such as 0xffff0000`;
const markMask = z
  .number(maskAllowed)
  .refine(
    value => Number.isInteger(value) && value > 0 && value <= 0xffffffff && bitsSet(value) >= LEAST_MARK_BITS,
    maskAllowed,
  );

function bitsSet(value: number): number {
  return value.toString(2).replaceAll('0', '').length;
}

const portRangeAllowed = `a port from 1 to ${MAX_PORT}, or a range of them such as "32768:65535"`;
/** A single port is a number or its text. */
const portRange = z.union([z.string(), z.number()], portRangeAllowed).transform((value, context) => {
  const [first = '', last = first] = /^\d{1,5}(:\d{1,5})?$/.test(String(value))
    ? String(value).split(':')
    : [];
  const [min, max] = [Number(first), Number(last)];
  if (min >= 1 && max <= MAX_PORT && min <= max) return `${min}:${max}`;
  context.issues.push({ code: 'custom', input: value, message: portRangeAllowed });
  return z.NEVER;
});

/** One letter less than the longest name: what is more than the prefix of it makes it a name. */
const interfacePrefix = '[a-zA-Z0-9_.-]{1,14}';

export const felixPolicyFields = {
  interfacePrefix: textOf(
    new RegExp(`^${interfacePrefix}(,${interfacePrefix})*$`),
    'what names of interfaces begin with, such as "cali" or "cali,tap": at most 14 letters, digits, "_", "." and "-" each',
  ),
  iptablesBackend: anyCase(['Auto', 'Legacy', 'NFT']),
  iptablesMarkMask: optional(markMask),
  chainInsertMode: anyCase(['Insert', 'Append']),
  defaultEndpointToHostAction: anyCase(['Drop', 'Accept', 'Return']),
  iptablesFilterAllowAction: anyCase(['Accept', 'Return']),
  iptablesMangleAllowAction: anyCase(['Accept', 'Return']),
  iptablesFilterDenyAction: anyCase(['Drop', 'Reject']),
  failsafeInboundHostPorts: failsafes,
  failsafeOutboundHostPorts: failsafes,
  workloadSourceSpoofing: anyCase(['Disabled', 'Any']),
  allowVXLANPacketsFromWorkloads: optional(flag),
  allowIPIPPacketsFromWorkloads: optional(flag),
  disableConntrackInvalidCheck: optional(flag),
  ipv6Support: optional(flag),
  // The kernel cuts a prefix at 29 octets (linux/netfilter/xt_LOG.h); a blank and a colon are added to it.
  logPrefix: textOf(
    /^(?!.*["\\])[!-~]([ -~]{0,25}[!-~])?$/,
    'a text of at most 27 printable ASCII characters without double quotes, "\\" and blanks at its ends',
  ),
  logActionRateLimit: textOf(
    /^[1-9]\d{0,3}\/(second|minute|hour|day)$/,
    'a rate such as 10/second: 1 to 9999 per second, minute, hour or day',
  ),
  logActionRateLimitBurst: optional(wholeNumber(0, 9999)),
  natOutgoingAddress: givenText(ipv4),
  natOutgoingExclusions: anyCase(['IPPoolsOnly', 'IPPoolsAndHostIPs']),
  natPortRange: optional(portRange),
  iptablesNATOutgoingInterfaceFilter: textOf(
    /^[a-zA-Z0-9:._+-]{1,15}$/,
    'the name of an interface, of at most 14 letters, digits, ":", ".", "_" and "-"; "+" at its end stands for any rest',
  ),
  maxIpsetSize: optional(wholeNumber(1, 0xffffffff)),
  iptablesRefreshInterval: optional(duration),
  iptablesPostWriteCheckInterval: optional(duration),
  iptablesLockProbeInterval: optional(duration),
  iptablesLockTimeout: optional(duration),
  ipsetsRefreshInterval: optional(duration),
};
