/** `bgpctl explain SRC DST[:PORT/PROTO]`: a packet's way through policy and out of this host, and why it ends as it does. */
import { type Command, exitCode, outputFormat, outputOption, text, UsageError } from '../command.js';
import { explainLines } from '../format/explain.js';
import { parseCargo, parseTarget } from '../packet-argument.js';
import { show } from '../show.js';

export const explainCommand: Command = {
  name: 'explain',
  summary: "what becomes of a packet: policy's verdict and why, and its route from this host",
  positionals: [
    { name: 'src', describe: 'a workload (NAMESPACE/NAME or its name) or an address', required: true },
    {
      name: 'dst',
      describe: 'the same, and :PORT/PROTO or :icmp/TYPE if wanted (an IPv6 address in brackets then)',
      required: true,
    },
    {
      name: 'port',
      describe: 'PORT/PROTO, such as 443/tcp, or icmp/TYPE; without, an echo request',
      required: false,
    },
  ],
  options: { ...outputOption },
  examples: [
    ['bgpctl explain shop/web shop/db:5432/tcp', 'each tier, policy and rule on its way'],
    ['bgpctl explain 192.0.2.9 [fd00:10:65::2]:53/udp', 'from outside, to an address'],
    ['bgpctl explain shop/web 10.65.0.2 icmp/8', 'a ping'],
  ],
  async run(given, context) {
    const target = parseTarget(text(given, 'dst') as string);
    const separate = text(given, 'port');
    if (separate !== undefined && target.cargo !== undefined)
      throw new UsageError(`"${text(given, 'dst')}" has a port already: "${separate}" is one too many`);
    const cargo = separate === undefined ? (target.cargo ?? {}) : parseCargo(separate);
    const from = (text(given, 'src') as string).replace(/^\[([^\]]*)\]$/, '$1');
    const query = { from, to: target.to, ...cargo };
    const { columns: width, colour, client } = context;
    const view = await show(
      context,
      outputFormat(given),
      { once: () => client.explain(query), watch: undefined },
      page => explainLines(page, { width, colour }),
    );
    return view?.verdict === 'deny' ? exitCode.finding : exitCode.fine;
  },
};
