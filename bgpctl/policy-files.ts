/** SHELL: files of expectations and the manifests they name, read for `bgpctl policy test`. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseResource } from '../core/resources/parse.js';
import { type DocumentProblem, describeProblem, problemsOf } from '../core/resources/problems.js';
import type { Resource } from '../core/resources/resource.js';
import { type Expectation, expectationsFile } from '../policy/journey/expectations.js';
import { UsageError } from './command.js';
import { readDocuments } from './documents.js';

export interface Scenario {
  readonly manifests: readonly string[];
  readonly documents: readonly Resource[];
  readonly expectations: readonly Expectation[];
}

/** @throws UsageError for what cannot be read or makes no sense, with every problem of it */
export async function readScenarios(path: string): Promise<readonly Scenario[]> {
  const { parse } = await import('yaml');
  let written: unknown;
  try {
    // As a tree: what an alias stands for may contain the alias.
    written = JSON.parse(JSON.stringify(parse(await readFile(path, 'utf8')) ?? null));
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message.split('\n')[0]}`);
  }
  const parsed = expectationsFile.safeParse(written);
  if (!parsed.success) {
    throw usageError(path, problemsOf(parsed.error, written, [], expectationsFile, undefined, unknownField));
  }
  return await Promise.all(
    parsed.data.map(async ({ manifests, expect }) => ({
      manifests,
      documents: await readManifests(manifests.map(file => resolve(dirname(path), file))),
      expectations: expect,
    })),
  );
}

function unknownField(_key: string, known: readonly string[]): string {
  return `a field here, which are ${known.join(', ')}`;
}

async function readManifests(paths: readonly string[]): Promise<readonly Resource[]> {
  const found: Resource[] = [];
  for (const { location, document } of await readDocuments(paths)) {
    const parsed = parseResource(document);
    if (parsed.kind === 'invalid') throw usageError(location, parsed.problems);
    found.push(parsed.resource);
  }
  return found;
}

function usageError(where: string, problems: readonly DocumentProblem[]): UsageError {
  return new UsageError(problems.map(problem => `${where}: ${describeProblem(problem)}`).join('\n'));
}
