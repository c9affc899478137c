/** SHELL: what version this is. */
import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  // From dist/agent.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
