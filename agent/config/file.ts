/** SHELL: the configuration file of this host, as text. */
import { readFileSync } from 'node:fs';

export const DEFAULT_FILE = '/etc/margay/agent.yaml';

export type ConfigurationFile =
  | { readonly kind: 'ok'; readonly file: { readonly name: string; readonly content: string } | undefined }
  | { readonly kind: 'unreadable'; readonly problem: string };

/** @param named undefined: the usual one, which need not be there */
export function readConfigurationFile(named: string | undefined): ConfigurationFile {
  const name = named ?? DEFAULT_FILE;
  try {
    return { kind: 'ok', file: { name, content: readFileSync(name, 'utf8') } };
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (named === undefined && absent) return { kind: 'ok', file: undefined };
    return {
      kind: 'unreadable',
      problem: `${name}: ${absent ? 'there is no such file' : (error as Error).message}`,
    };
  }
}
