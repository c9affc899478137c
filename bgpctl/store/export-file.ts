/** SHELL: a store as one file: YAML documents behind a comment that says what they are of; or the copy that an agent keeps for its next start. */
import { open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { parseResource } from '../../core/resources/parse.js';
import { describeProblem } from '../../core/resources/problems.js';
import type { Resource } from '../../core/resources/resource.js';
import { serialiseResource } from '../../core/resources/written-form.js';
import { areGoodLines, documentOfLine, readGoodLines } from '../../store/good-lines.js';
import { UsageError } from '../command.js';
import { rememberedCluster } from './open.js';

export interface ReadExport {
  readonly resources: readonly Resource[];
  /** Undefined: it is not said. */
  readonly cluster: string | undefined;
}

const CLUSTER_LINE = /^# cluster: (\S+)$/m;

export async function exportText(
  resources: readonly Resource[],
  location: string,
  cluster: string,
  now: number,
): Promise<string> {
  const { stringify } = await import('yaml');
  const head = [
    `# ${resources.length} documents of ${location}, ${new Date(now).toISOString()}`,
    ...(cluster === '' ? [] : [`# cluster: ${cluster}`]),
    '',
  ].join('\n');
  return head + resources.map(resource => `---\n${stringify(serialiseResource(resource))}`).join('');
}

/**
 * Its owner's alone, whatever stood there before; that stays until all of the new one is on the disk. What is no file, such as a pipe, is
 * written to as it is.
 * @throws with what is in the way
 */
export async function writeExport(path: string, content: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) return await writeFile(path, content);
  const target = there === undefined ? path : await realpath(path);
  const next = `${target}.${process.pid}.next`;
  try {
    const file = await open(next, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw new Error(`cannot write ${path}: ${(error as Error).message}`);
  }
}

/** @param path "-" is standard input @throws {UsageError} with everything that is wrong, each with its place */
export async function readExport(path: string): Promise<ReadExport> {
  const content = await (path === '-' ? readStream(process.stdin) : readFile(path, 'utf8')).catch(
    (error: Error) => {
      throw new UsageError(`cannot read ${path}: ${error.message}`);
    },
  );
  if (areGoodLines(content)) {
    const cluster = rememberedCluster(join(dirname(path), 'store-cluster'));
    return { resources: parsed(path, goodDocuments(path, content)), cluster };
  }
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(content, { merge: true });
  const values = ('empty' in documents ? [] : [...documents]).map((document, i) => {
    const problem = document.errors[0];
    if (problem !== undefined) throw new UsageError(`${path}#${i + 1}: ${problem.message.split('\n')[0]}`);
    return document.toJS() as unknown;
  });
  return {
    resources: parsed(
      path,
      values.filter(value => value !== null && value !== undefined),
    ),
    cluster: CLUSTER_LINE.exec(content)?.[1],
  };
}

function parsed(path: string, values: readonly unknown[]): readonly Resource[] {
  const problems: string[] = [];
  const resources = values.flatMap((value, i) => {
    const result = parseResource(value);
    if (result.kind === 'ok') return [result.resource];
    problems.push(...result.problems.map(problem => `${path}#${i + 1}: ${describeProblem(problem)}`));
    return [];
  });
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\nNothing has been imported.`);
  return resources;
}

/** @throws {UsageError} with each document whose line is damaged */
function goodDocuments(path: string, content: string): readonly unknown[] {
  const damaged: string[] = [];
  const documents = [...readGoodLines(content).newest].flatMap(([key, line]) => {
    try {
      return [documentOfLine(line)];
    } catch {
      damaged.push(key);
      return [];
    }
  });
  if (damaged.length === 0) return documents;
  const what = damaged.map(key => `${path}: the line of ${key} is damaged`).join('\n');
  throw new UsageError(
    `${what}\nNothing has been imported; without those lines the rest of the file can be.`,
  );
}
