/** SHELL: whether what a Redis store holds fits together: the log's chain, and each document with the last that the log says of it. */
import { describeProblem } from '../../core/resources/problems.js';
import { readDocument, type StoredText } from '../stored-document.js';
import { type LogEntry, type RedisCommands, revisionNumber, type SeenStore } from './commands.js';
import { chained } from './history.js';

export interface StoreCheck {
  readonly cluster: string;
  readonly revision: number;
  readonly documents: number;
  /** Entries of the log. */
  readonly entries: number;
  readonly copies: { readonly there: number; readonly known: number };
  /** In words. */
  readonly problems: readonly string[];
}

export async function checkRedis(commands: RedisCommands): Promise<StoreCheck> {
  const seen = await commands.look(0);
  const documents = new Map<string, StoredText>();
  for await (const part of commands.scan(undefined)) for (const [id, text] of part) documents.set(id, text);
  const log: LogEntry[] = [];
  for (;;) {
    const part = await commands.log(log.at(-1)?.number ?? 0, 0);
    if (part.length === 0) break;
    log.push(...part);
  }
  const { copiesThere, copiesKnown, head } = seen;
  return {
    cluster: head.cluster,
    revision: head.revision,
    documents: documents.size,
    entries: log.length,
    copies: { there: copiesThere, known: Math.max(copiesKnown, copiesThere) },
    problems: [
      ...logProblems(log, head.revision),
      ...documentProblems(documents, log),
      ...copyProblems(seen),
    ],
  };
}

/** The log may have grown since the head was read. */
function logProblems(log: readonly LogEntry[], revision: number): readonly string[] {
  const links = log.slice(1).flatMap((entry, i) => linkProblem(log[i]!, entry) ?? []);
  const last = log.at(-1);
  if (last === undefined)
    return revision === 0 ? [] : ['the log is empty: who was away must read everything anew'];
  if (last.number >= revision) return links;
  return [...links, `the log ends at revision ${last.number}, and ${revision} is the head's`];
}

function linkProblem(before: LogEntry, entry: LogEntry): string | undefined {
  if (entry.number !== before.number + 1)
    return `the log goes from revision ${before.number} to ${entry.number}`;
  if (chained(before.chain, entry) !== entry.chain)
    return `revision ${entry.number} (${entry.id}) does not follow from the one before it: it was changed`;
  return undefined;
}

/** What was written while they were read may be newer than the log that was. */
function documentProblems(documents: ReadonlyMap<string, StoredText>, log: readonly LogEntry[]): string[] {
  const last = new Map(log.map(entry => [entry.id, entry]));
  const first = log[0]?.number ?? Number.POSITIVE_INFINITY;
  const problems: string[] = [];
  for (const [id, text] of documents) {
    const read = readDocument(id, text);
    if (read.kind === 'invalid')
      problems.push(...read.invalid.problems.map(one => `${id}: ${describeProblem(one)}`));
    const entry = last.get(id);
    const number = revisionNumber(text.revision);
    if (entry === undefined && number >= first && number <= (log.at(-1)?.number ?? 0))
      problems.push(`${id}: revision ${text.revision} is not in the log`);
    if (entry !== undefined && entry.revision !== text.revision && number <= entry.number)
      problems.push(`${id}: revision ${text.revision} is there, and ${entry.revision} is the log's last`);
  }
  for (const [id, { document }] of last)
    if (document !== '' && !documents.has(id)) problems.push(`${id}: the log has it, and it is not there`);
  return problems;
}

function copyProblems({ copiesThere, copiesKnown }: SeenStore): readonly string[] {
  if (copiesThere >= copiesKnown) return [];
  return [`${copiesThere} of ${copiesKnown} copies that were ever seen are there`];
}
