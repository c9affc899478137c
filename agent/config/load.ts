/**
 * Settings from a file, the environment and flags, the later ones winning; or everything that is wrong with them at once. Pure but for
 * the YAML parser.
 */
import { parseDocument } from 'yaml';
import { nearest } from '../../core/nearest-word.js';
import { redisContradictions } from './redis-settings.js';
import type { Setting, Settings } from './setting.js';
import { settings } from './settings.js';

export interface ConfigurationProblem {
  /** Where it stands: "/etc/margay/agent.yaml: bgp.staleTimeSeconds", "MARGAY_DATAPLANE", "--route-metric". */
  readonly place: string;
  readonly message: string;
}

export type Configuration<K extends keyof Settings = keyof Settings> =
  | {
      readonly kind: 'ok';
      readonly settings: Pick<Settings, K>;
      /** Nothing that stops an agent: variables that look like settings and are none. */
      readonly warnings: readonly ConfigurationProblem[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigurationProblem[] };

export interface ConfigurationSources {
  /** Undefined if there is no such file. */
  readonly file: { readonly name: string; readonly content: string } | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By flag name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly hostName: string;
}

/** @param only what a program other than the agent wants to know: what is wrong elsewhere in the file is none of its business */
export function loadConfiguration<K extends keyof Settings = keyof Settings>(
  sources: ConfigurationSources,
  only?: readonly K[],
): Configuration<K> {
  const problems: ConfigurationProblem[] = [];
  const misplaced: ConfigurationProblem[] = [];
  const written = sources.file === undefined ? new Map() : readFile(sources.file, problems, misplaced);
  if (only === undefined) problems.push(...misplaced);
  const values: Record<string, unknown> = {};
  for (const setting of settings) {
    if (only !== undefined && !only.some(key => key === setting.key)) continue;
    const value = settingValue(setting, sources, written, problems);
    if (value !== undefined) values[setting.key] = value;
  }
  for (const [path, message] of redisContradictions(values as Partial<Settings>))
    problems.push({ place: path, message });
  const warnings: ConfigurationProblem[] = [];
  for (const name of Object.keys(sources.environment)) {
    if (!name.startsWith('MARGAY_') || ownVariables.has(name)) continue;
    const known = settings.map(({ environment }) => environment);
    if (known.includes(name)) continue;
    warnings.push({ place: name, message: `no such setting${meantWords(name, known)}` });
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'ok', settings: values as unknown as Pick<Settings, K>, warnings };
}

/** Read by others: bgpctl, the tests' runner. */
const ownVariables: ReadonlySet<string> = new Set([
  ...['MARGAY_SOCKET', 'MARGAY_RUN_ID', 'MARGAY_CACHE', 'MARGAY_PATIENCE'],
  ...['MARGAY_LAB', 'MARGAY_LAB_KERNEL', 'MARGAY_LAB_HOST_KERNEL'],
]);

function settingValue(
  setting: Setting,
  sources: ConfigurationSources,
  written: ReadonlyMap<string, string>,
  problems: ConfigurationProblem[],
): unknown {
  const candidates: readonly (readonly [string, string | undefined])[] = [
    [`--${setting.flag}`, sources.flags[setting.flag]],
    [setting.environment, sources.environment[setting.environment]],
    [`${sources.file?.name}: ${setting.path}`, written.get(setting.path)],
  ];
  for (const [place, text] of candidates) {
    if (text === undefined) continue;
    const value = setting.parse(text);
    if (value === undefined) {
      const wrong = setting.list ? wrongPart(setting, text) : text;
      problems.push({ place, message: `${JSON.stringify(wrong)} is not ${setting.allowed}` });
    }
    return value;
  }
  return setting.parse(setting.fallback ?? sources.hostName.toLowerCase());
}

function wrongPart(setting: Setting, text: string): string {
  const parts = text.split(',').map(part => part.trim());
  return parts.find(part => part === '' || setting.parse(part) === undefined) ?? text;
}

/** Leaves of the file by their dotted path. */
function readFile(
  file: { readonly name: string; readonly content: string },
  problems: ConfigurationProblem[],
  misplaced: ConfigurationProblem[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const document = parseDocument(file.content);
  const error = document.errors[0];
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    problems.push({ place: `${file.name}, line ${line}`, message: parserWords(error.message) });
    return found;
  }
  const value = writtenValue(document);
  if (value === undefined) {
    problems.push({ place: file.name, message: 'not a map of keys' });
    return found;
  }
  const known = settings.map(setting => setting.path);
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !known.includes(path)) {
      for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`);
    } else if (
      value === null &&
      (path === '' || known.some(one => one === path || one.startsWith(`${path}.`)))
    ) {
      // Written and left empty: the default.
    } else if (!known.includes(path)) {
      misplaced.push({ place: `${file.name}: ${path}`, message: `no such key${meantWords(path, known)}` });
    } else found.set(path, writtenText(value));
  };
  visit(value, '');
  return found;
}

/** Null for an empty file; undefined for what is no map, or has aliases that would fill the memory. */
function writtenValue(document: { toJS(): unknown }): object | null | undefined {
  try {
    const value = document.toJS();
    return typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Its first line, without the place, which is said already, and without advice for programmers. */
function parserWords(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/(; please use .*)? at line \d+, column \d+:?$/, '');
}

/** As it would stand in a flag. */
function writtenText(value: unknown): string {
  if (Array.isArray(value)) return value.map(writtenText).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function meantWords(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : `: did you mean ${meant}?`;
}
