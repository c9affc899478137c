/** SHELL: reads the documents of `apply -f`: a file, a directory of .yaml, .yml and .json files, or standard input. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { UsageError } from './command.js';

export interface SourceDocument {
  /** File name and, where it holds several, the document's number. */
  readonly location: string;
  readonly document: unknown;
}

export async function readDocuments(paths: readonly string[]): Promise<SourceDocument[]> {
  const { parseAllDocuments } = await import('yaml');
  const found: SourceDocument[] = [];
  for (const path of paths) {
    for (const { name, content } of await readSources(path)) {
      // `<<` merges maps, as it does for kubectl and calicoctl.
      const documents = parseAllDocuments(content, { merge: true });
      for (const [i, parsed] of ('empty' in documents ? [] : [...documents]).entries()) {
        const location = documents.length > 1 ? `${name}#${i + 1}` : name;
        const problem = parsed.errors[0];
        if (problem !== undefined) throw new UnreadableDocument(location, problem.message);
        found.push(...expandList(location, writtenValue(location, parsed)));
      }
    }
  }
  return found;
}

/** What is no YAML: nothing of what was given is applied. */
class UnreadableDocument extends Error {
  constructor(location: string, reason: string) {
    super(`${location}: ${reason.split('\n')[0]?.replace(/:$/, '')}; nothing has been applied`);
  }
}

/** Aliases that would fill the memory are refused only here. */
function writtenValue(location: string, document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UnreadableDocument(location, (error as Error).message);
  }
}

/** calicoctl writes several documents as one `…List`. */
function expandList(location: string, document: unknown): SourceDocument[] {
  if (document === null || document === undefined) return [];
  const { kind, items } = document as { readonly kind?: unknown; readonly items?: unknown };
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items))
    return [{ location, document }];
  return items.map((item, i) => ({ location: `${location}[${i}]`, document: item as unknown }));
}

async function readSources(path: string): Promise<{ readonly name: string; readonly content: string }[]> {
  if (path === '-') return [{ name: 'standard input', content: await readStream(process.stdin) }];
  try {
    if (!(await stat(path)).isDirectory()) return [{ name: path, content: await readFile(path, 'utf8') }];
    const names = (await readdir(path))
      .filter(name => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'))
      .sort();
    if (names.length === 0) throw new UsageError(`${path} holds no .yaml, .yml or .json file`);
    return await Promise.all(
      names.map(async name => ({
        name: join(path, name),
        content: await readFile(join(path, name), 'utf8'),
      })),
    );
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`);
  }
}
