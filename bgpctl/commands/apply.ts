/** `bgpctl apply -f FILE`: creates or updates documents, each with a result of its own. */
import type { ApplyResult } from '../../agent/control/types.js';
import { type Command, exitCode, UsageError } from '../command.js';
import { readDocuments } from '../documents.js';
import { formatSessionEffects } from '../format/session-effects.js';
import { problemLine } from '../format/status.js';

export const applyCommand: Command = {
  name: 'apply',
  summary: 'create or update documents from a file, a directory or standard input',
  positionals: [],
  options: {
    file: {
      type: 'array',
      alias: 'f',
      placeholder: 'PATH',
      describe: 'a file, a directory, or - for standard input; repeatable',
    },
    'dry-run': {
      type: 'boolean',
      describe: "validate only, and say what becomes of this host's sessions and packet filter",
    },
  },
  examples: [
    ['bgpctl apply -f peers.yaml', ''],
    ['bgpctl apply -f peers.yaml --dry-run', 'which sessions would be reset, and why'],
    ['bgpctl get nodes -o yaml | bgpctl apply -f -', ''],
  ],
  async run(given, context) {
    const files = given.file as readonly string[] | undefined;
    if (files === undefined) throw new UsageError('give the documents with -f FILE, -f DIRECTORY or -f -');
    const documents = await readDocuments(files);
    if (documents.length === 0) throw new UsageError(`there is no document in ${files.join(', ')}`);
    const dryRun = given['dry-run'] === true;
    const { results, sessions, packetFilter } = await context.client.apply({ documents, dryRun });
    for (const result of results) {
      if (isBad(result)) {
        context.err(`${result.location}: ${result.id === '' ? '' : `${result.id} `}${result.outcome}`);
        for (const problem of result.problems) context.err(`  ${problemLine(problem)}`);
      } else await context.out(`${result.id} ${result.outcome}${dryRun ? ' (dry run)' : ''}\n`);
    }
    if (sessions !== undefined) await context.out(formatSessionEffects(sessions));
    if (packetFilter === null) await context.out("This host's packet filter would stay as it is.\n");
    else if (packetFilter !== undefined) {
      await context.out(`This host's packet filter would be changed:\n${packetFilter}`);
    }
    return results.some(isBad) ? exitCode.finding : exitCode.fine;
  },
};

function isBad({ outcome }: ApplyResult): boolean {
  return outcome === 'invalid' || outcome === 'failed';
}
