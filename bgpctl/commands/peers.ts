/** `bgpctl peers [PEER]`: who we speak with, and in words why not. */
import {
  type Arguments,
  type Command,
  type Context,
  outputFormat,
  outputOption,
  text,
  UsageError,
  watchOption,
} from '../command.js';
import { allEstablished, formatAllPeers } from '../format/all-peers.js';
import { formatPeer, formatPeers } from '../format/peers.js';
import { checkResult, show } from '../show.js';

export const peersCommand: Command = {
  name: 'peers',
  summary: 'BGP peers and their sessions',
  positionals: [{ name: 'peer', describe: 'one peer in detail: address, name or key', required: false }],
  options: {
    ...outputOption,
    ...watchOption,
    all: { type: 'boolean', describe: 'those of every host of the cluster, as it has reported them' },
    check: { type: 'boolean', describe: 'exit 1 unless every peer (or the one named) is Established' },
  },
  examples: [
    ['bgpctl peers', 'all peers'],
    ['bgpctl peers 10.0.0.2', 'capabilities, timers, counters, the last NOTIFICATION both ways'],
    ['bgpctl peers --all', 'of every host, those that are down first, with the age of its report'],
    ['bgpctl peers --check', 'for scripts: exit 1 unless all are Established'],
  ],
  async run(given, context) {
    const format = outputFormat(given);
    const { client, columns: width, colour } = context;
    const options = (wide: boolean) => ({ width, colour, wide, now: context.now() });
    const watching = given.watch === true;
    const name = text(given, 'peer');
    if (given.all === true) return await peersOfAll(name, given, context);
    if (name !== undefined) {
      const { key } = await client.peer(name);
      const watch = async function* (signal: AbortSignal) {
        for await (const { peers } of client.watchPeers(signal))
          yield peers.find(peer => peer.key === key) ?? null;
      };
      const peer = await show(
        context,
        format,
        { once: async () => client.peer(key), watch: watching ? watch : undefined },
        (view, wide) => (view === null ? 'The peer is gone.\n' : formatPeer(view, options(wide))),
      );
      return checkResult(given.check === true && peer?.state !== 'Established');
    }
    const view = await show(
      context,
      format,
      { once: () => client.peers(), watch: watching ? signal => client.watchPeers(signal) : undefined },
      ({ peers }, wide) => formatPeers(peers, options(wide)),
      ({ peers }) => peers,
    );
    const allUp = view?.peers.every(peer => peer.state === 'Established') ?? false;
    return checkResult(given.check === true && !allUp);
  },
};

async function peersOfAll(name: string | undefined, given: Arguments, context: Context): Promise<number> {
  if (name !== undefined) throw new UsageError(`--all is for no peer in particular: leave out ${name}`);
  const { client, columns: width, colour } = context;
  const view = await show(
    context,
    outputFormat(given),
    {
      once: () => client.hosts(),
      watch: given.watch === true ? signal => client.watchHosts(signal) : undefined,
    },
    (hosts, wide) => formatAllPeers(hosts, { width, colour, wide, now: context.now() }),
  );
  return checkResult(given.check === true && (view === undefined || !allEstablished(view)));
}
