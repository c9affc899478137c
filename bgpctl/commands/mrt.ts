/** `bgpctl mrt table|sessions [FILE]`: MRT files (RFC 6396) for the programs that read them. */

import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Command, exitCode, text, UsageError } from '../command.js';

export const mrtCommand: Command = {
  name: 'mrt',
  summary: 'MRT files: all paths as they are, or what peers say from now on',
  positionals: [
    {
      name: 'what',
      describe:
        'table: all paths (TABLE_DUMP_V2); sessions: messages and changes of state, until Ctrl-C (BGP4MP)',
      required: true,
      choices: ['table', 'sessions'],
    },
    { name: 'file', describe: 'where to, in place of standard output', required: false },
  ],
  options: {},
  examples: [
    ['bgpctl mrt table rib.mrt', 'a snapshot of the RIB, for bgpdump and the like'],
    ['bgpctl mrt sessions | bgpdump -m -', 'what peers say, as it comes'],
  ],
  async run(given, context) {
    const what = text(given, 'what') === 'table' ? 'table' : 'sessions';
    const file = text(given, 'file');
    const pieces = context.client.mrt(what, context.signal);
    if (file === undefined) {
      if (context.redraw) throw new UsageError('an MRT file is not text: name a file, or send it on');
      for await (const piece of pieces) await context.out(piece);
      return exitCode.fine;
    }
    try {
      await pipeline(pieces, createWriteStream(file));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      context.err(`bgpctl: ${file}: ${message}`);
      return exitCode.finding;
    }
    return exitCode.fine;
  },
};
