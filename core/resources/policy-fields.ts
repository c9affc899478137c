/** Building blocks of policies: protocols, ports, selectors and the names that documents refer to, as Calico checks them. */
import { z } from 'zod';
import { hostOrPrefix, optional, resourceName, selector } from './fields.js';
import type { EndpointPort, PolicyPort, Protocol } from './policy-documents.js';

const protocolNames = ['TCP', 'UDP', 'ICMP', 'ICMPv6', 'SCTP', 'UDPLite'] as const;
const protocolAllowed = `a protocol: one of ${protocolNames.join(', ')}, or a number from 1 to 255`;

/** IANA's numbers of those that have names here. */
export const protocolNumbers: Readonly<Record<(typeof protocolNames)[number], number>> = {
  TCP: 6,
  UDP: 17,
  ICMP: 1,
  ICMPv6: 58,
  SCTP: 132,
  UDPLite: 136,
};

/** Names in any case, as Calico takes them. */
function parseProtocol(value: string | number): Protocol | undefined {
  const name = protocolNames.find(known => known.toLowerCase() === String(value).toLowerCase());
  if (name !== undefined) return name;
  const number = typeof value === 'number' ? value : /^\d{1,3}$/.test(value) ? Number(value) : 0;
  return Number.isInteger(number) && number >= 1 && number <= 255 ? number : undefined;
}

export const protocol = z.union([z.string(), z.number()], protocolAllowed).transform((value, context) => {
  const found = parseProtocol(value);
  if (found !== undefined) return found;
  context.issues.push({ code: 'custom', input: value, message: protocolAllowed });
  return z.NEVER;
});

/** IANA's number. */
export function protocolNumber(given: Protocol): number {
  return typeof given === 'number' ? given : protocolNumbers[given];
}

export function hasPorts(given: Protocol): boolean {
  return [6, 17, 132, 136].includes(protocolNumber(given));
}

export const withPortsAllowed = 'a protocol with ports: TCP, UDP, SCTP or UDPLite';

// ---------------------------------------------------------------- ports

export const MAX_PORT = 65535;

const portAllowed =
  'a port from 1 to 65535, a range such as "8000:8080", or the name of a port: at most 128 letters, digits, "_", "." and "-", a letter among them';

/** Calico takes "80-90" for the name of a port, too, which no port has and a range was meant by. */
const portNamePattern = /^(?=.*[a-zA-Z])[a-zA-Z0-9_.-]{1,128}$/;

function parsePort(value: string | number): PolicyPort | undefined {
  const text = String(value);
  const numbers = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  if (numbers !== null) {
    const min = Number(numbers[1]);
    const max = Number(numbers[2] ?? numbers[1]);
    return min >= 1 && max <= MAX_PORT && min <= max ? { min, max } : undefined;
  }
  return typeof value === 'string' && portNamePattern.test(text) ? { name: text } : undefined;
}

const port = z.union([z.string(), z.number()], portAllowed).transform((value, context) => {
  const found = parsePort(value);
  if (found !== undefined) return found;
  context.issues.push({ code: 'custom', input: value, message: portAllowed });
  return z.NEVER;
});

/** As Calico writes it. */
export function portText(given: PolicyPort): number | string {
  if ('name' in given) return given.name;
  return given.min === given.max ? given.min : `${given.min}:${given.max}`;
}

/** Not given is empty. */
export function list<T extends z.ZodType>(inner: T, most: number, what: string) {
  return optional(z.array(inner).max(most, `a list of at most ${most} ${what}`)).transform(
    value => value ?? [],
  );
}

export const ports = list(port, 50, 'ports');
export const nets = list(hostOrPrefix, 256, 'prefixes');

/** Of a port that an endpoint has, where policies name it. */
export const portName = z
  .string('the name of a port')
  .regex(
    portNamePattern,
    'the name of a port: at most 128 letters, digits, "_", "." and "-", a letter among them',
  );

export const endpointPort: z.ZodType<EndpointPort> = z.strictObject({
  name: portName,
  protocol: protocol.refine(hasPorts, withPortsAllowed),
  port: z
    .number(`a port from 1 to ${MAX_PORT}`)
    .int(`a port from 1 to ${MAX_PORT}`)
    .min(1, `a port from 1 to ${MAX_PORT}`)
    .max(MAX_PORT, `a port from 1 to ${MAX_PORT}`),
});

// ---------------------------------------------------------------- references

/** Absent or "" leaves it out: an empty one is not given, as in Calico. */
export function givenText<T extends z.ZodType<string, unknown>>(schema: T) {
  return z
    .unknown()
    .optional()
    .transform(value => (value === '' ? undefined : value))
    .pipe(optional(schema));
}

export const optionalSelector = givenText(selector);

/** A DNS label: names of tiers are part of other names. */
export const tierName = z
  .string('the name of a tier')
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'the name of a tier: at most 63 small letters, digits and "-"',
  );

export const profileNames = optional(z.array(resourceName, 'a list of names of profiles'));
