/** SHELL: whether what a Redis store holds fits together: the log's chain, and each document with the last that the log says of it. */
import { type LogEntry, type RedisCommands, revisionNumber, type StoredText } from './commands.js';
import { chained } from './history.js';
import { readDocument } from './stored-document.js';

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
  const problems: string[] = [];
  const last = new Map<string, LogEntry>();
  let before: LogEntry | undefined;
  let entries = 0;
  for (let after = 0; ; ) {
    const part = await commands.log(after, 0);
    if (part.length === 0) break;
    for (const entry of part) {
      const problem = before === undefined ? undefined : linkProblem(before, entry);
      if (problem !== undefined) problems.push(problem);
      last.set(entry.id, entry);
      before = entry;
      entries++;
    }
    after = part.at(-1)!.number;
  }
  problems.push(...headProblems(seen.head.revision, before));
  const first = seen.head.revision - entries + 1;
  for (const [id, text] of documents) {
    const read = readDocument(id, text);
    if (read.kind === 'invalid')
      problems.push(
        `${id}: ${read.invalid.problems.map(({ path, value, allowed }) => `${path}: ${value} is not ${allowed}`).join('; ')}`,
      );
    const entry = last.get(id);
    const isRecent = revisionNumber(text.revision) >= first;
    if (entry === undefined && isRecent) problems.push(`${id}: revision ${text.revision} is not in the log`);
    if (
      entry !== undefined &&
      entry.revision !== text.revision &&
      revisionNumber(text.revision) <= entry.number
    )
      problems.push(`${id}: revision ${text.revision} is there, and ${entry.revision} is the log's last`);
  }
  for (const [id, entry] of last)
    if (entry.document !== '' && !documents.has(id))
      problems.push(`${id}: the log has it, and it is not there`);
  const { copiesThere, copiesKnown, head } = seen;
  if (copiesThere < copiesKnown)
    problems.push(`${copiesThere} of ${copiesKnown} copies that were ever seen are there`);
  return {
    cluster: head.cluster,
    revision: head.revision,
    documents: documents.size,
    entries,
    copies: { there: copiesThere, known: Math.max(copiesKnown, copiesThere) },
    problems,
  };
}

function linkProblem(before: LogEntry, entry: LogEntry): string | undefined {
  if (entry.number !== before.number + 1)
    return `the log goes from revision ${before.number} to ${entry.number}`;
  if (chained(before.chain, entry.id, entry.document) !== entry.chain)
    return `revision ${entry.number} (${entry.id}) does not follow from the one before it: it was changed`;
  return undefined;
}

/** The log may have grown since the head was read. */
function headProblems(revision: number, last: LogEntry | undefined): readonly string[] {
  if (last === undefined)
    return revision === 0 ? [] : ['the log is empty: who was away must read everything anew'];
  return last.number < revision
    ? [`the log ends at revision ${last.number}, and ${revision} is the head's`]
    : [];
}
