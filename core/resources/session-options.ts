/**
 * What Calico's documents have no field for, of a BGP session: one table, read from the annotations `margay.io/NAME` of a BGPPeer (its
 * sessions) and of a BGPConfiguration (those of the mesh), and from the fields NAME of a BGPPeerRange (those of its peers).
 */
import { durationSeconds } from '../duration.js';
import { type DocumentProblem, show } from './problems.js';

interface Option<T> {
  /** Completes "VALUE is not ...". */
  readonly allowed: string;
  /** From text; undefined if it is not allowed. */
  parse(text: string): T | undefined;
}

function option<T>(allowed: string, parse: (text: string) => T | undefined): Option<T> {
  return { allowed, parse };
}

function word<const T extends readonly string[]>(...words: T): Option<T[number]> {
  return option(`one of ${words.join(', ')}`, text => (words.includes(text) ? text : undefined));
}

function number(least: number, most: number): Option<number> {
  return option(`a whole number from ${least} to ${most}`, text => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  });
}

/** In seconds, of which `step` makes a whole number. */
function duration(least: string, most: string, step = 1): Option<number> {
  const [from, to] = [durationSeconds(least) as number, durationSeconds(most) as number];
  const [unit, example] = step === 1 ? ['whole seconds', '90s'] : ['whole milliseconds', '300ms'];
  return option(`a duration of ${unit} from ${least} to ${most}, such as ${example}`, text => {
    const value = durationSeconds(text);
    if (value === undefined || value < from || value > to) return undefined;
    return Number.isInteger(Math.round(value * 1e6) / 1e6 / step) ? value : undefined;
  });
}

const flag: Option<boolean> = option('true or false', text => ({ true: true, false: false })[text]);

/** Proposed where nobody says otherwise. */
const USUAL_HOLD_SECONDS = 90;
const holdTime = duration('3s', '65535s');

/** By name. */
export const sessionOptions = {
  /** RFC 4271: proposed; 0 is for ever. Seconds. */
  holdTime: option(`0s, or ${holdTime.allowed}`, text => (text === '0s' ? 0 : holdTime.parse(text))),
  /** RFC 5880 to 5883. `Strict`: BGP comes up only with it, and goes down with it whatever graceful restart says. */
  bfd: word('Off', 'On', 'Strict'),
  /** Seconds between two packets, in either direction. */
  bfdInterval: duration('50ms', '60s', 0.001),
  bfdMultiplier: number(2, 255),
  /** RFC 9494, seconds. */
  longLivedStaleTime: duration('1s', '16777215s'),
  /** RFC 7911. */
  addPathReceive: flag,
  /** Paths per prefix; 0 is off. */
  addPathSend: number(0, 32),
  /** RFC 8654. */
  extendedMessages: flag,
  /** RFC 8950: IPv4 routes with next hops of IPv6. */
  extendedNextHop: flag,
  /** RFC 9234, our own. */
  role: word('Provider', 'RouteServer', 'RouteServerClient', 'Customer', 'Peer'),
  /** The peer must have a role, too. */
  roleStrict: flag,
  /** Received, of each family. */
  maxPrefixes: number(1, 4294967295),
  /** Beyond them: a warning alone; the session ends until it is cleared; or for a while. */
  maxPrefixesAction: word('Warn', 'Stop', 'Restart'),
  maxPrefixesRestartTime: duration('1s', '24h'),
  /** From the AS_PATH towards a peer of another AS. */
  removePrivateASNumbers: flag,
  /** RFC 4271 section 6.3: the first AS of a route of an external peer is its own. */
  enforceFirstAS: flag,
  /** RFC 8326: we are going: our routes are the last choice. */
  gracefulShutdown: flag,
  /** Those of a peer that says so are. */
  honourGracefulShutdown: flag,
  /** RFC 8538: a NOTIFICATION is a restart as well. */
  notificationRestart: flag,
  /** An expired hold timer keeps the peer's routes for its restart time. */
  holdExpiryKeeps: flag,
  /** RFC 9687, seconds; 0 is off. */
  sendHoldTime: option(`0s, or ${duration('8s', '65535s').allowed}`, text =>
    text === '0s' ? 0 : duration('8s', '65535s').parse(text),
  ),
  /** RFC 4760: those of the session; that of the peer's address where it is not said. */
  families: word('IPv4', 'IPv6', 'Both'),
  /** RFC 4456; Calico's rule where it is not said. */
  routeReflectorClient: flag,
  /** The first line of a file of the host, RFC 2385. */
  passwordFile: option('an absolute path', text => (/^\/[^\0]*$/.test(text) ? text : undefined)),
  /** An environment variable of the agent. */
  passwordEnv: option("an environment variable's name", text =>
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : undefined,
  ),
} as const;

type Table = typeof sessionOptions;
export type SessionOptionName = keyof Table;
/** Those that are given; times in seconds. */
export type SessionOptions = {
  readonly [K in SessionOptionName]?: Exclude<ReturnType<Table[K]['parse']>, undefined>;
};

export const sessionOptionNames = Object.keys(sessionOptions) as readonly SessionOptionName[];

/** @param texts by name; what is wrong among them has been refused before and is left out */
export function parseSessionOptions(texts: Readonly<Record<string, unknown>>): SessionOptions {
  const given: Record<string, unknown> = {};
  for (const name of sessionOptionNames) {
    const text = Object.hasOwn(texts, name) ? texts[name] : undefined;
    const value = text === undefined || text === null ? undefined : sessionOptions[name].parse(String(text));
    if (value !== undefined) given[name] = value;
  }
  return given;
}

/**
 * What is wrong among options that are each right by themselves.
 *
 * @param texts by name, as written
 * @param fields the document's others: `password` of a BGPPeer, `nodeMeshPassword` of a BGPConfiguration
 * @param pathOf where an option stands
 */
export function contradictions(
  texts: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>>,
  pathOf: (name: SessionOptionName) => string,
): DocumentProblem[] {
  const options = parseSessionOptions(texts);
  const problems: DocumentProblem[] = [];
  const refuse = (name: SessionOptionName, allowed: string) =>
    problems.push({ path: pathOf(name), value: show(texts[name]), allowed });
  const inSpec = ['password', 'nodeMeshPassword'].find(name => fields[name] !== undefined);
  const sources = (['passwordFile', 'passwordEnv'] as const).filter(name => options[name] !== undefined);
  if (inSpec !== undefined && sources[0] !== undefined) {
    refuse(sources[0], `allowed beside spec.${inSpec}: a session has one password`);
  } else if (sources.length > 1)
    refuse('passwordEnv', 'allowed beside passwordFile: a session has one password');
  const { sendHoldTime, holdTime = USUAL_HOLD_SECONDS } = options;
  if (sendHoldTime !== undefined && sendHoldTime > 0 && sendHoldTime <= holdTime) {
    refuse('sendHoldTime', `longer than the hold time of ${holdTime}s`);
  }
  if (options.roleStrict === true && options.role === undefined)
    refuse('roleStrict', 'allowed without a role');
  if (options.maxPrefixesAction !== undefined && options.maxPrefixes === undefined) {
    refuse('maxPrefixesAction', 'allowed without maxPrefixes');
  }
  if (options.maxPrefixesRestartTime !== undefined && options.maxPrefixesAction !== 'Restart') {
    refuse('maxPrefixesRestartTime', 'allowed without maxPrefixesAction Restart');
  }
  for (const name of ['bfdInterval', 'bfdMultiplier'] as const) {
    const on = options.bfd === 'On' || options.bfd === 'Strict' || fields.failureDetectionMode !== undefined;
    if (options[name] !== undefined && !on) refuse(name, 'allowed without bfd On or Strict');
  }
  return problems;
}
