/** `bgpctl describe KIND NAME`: a document with what the agent has to say about it. */

import { formatResourceId, type IPPoolResource } from '../../core/resources/resource.js';
import { serialiseResource } from '../../core/resources/written-form.js';
import { type Command, type Context, exitCode, text } from '../command.js';
import { formatPeers } from '../format/peers.js';
import { formatPoolHosts, hostReports, tunnelOf } from '../format/pool-hosts.js';
import { tellStoreAway } from '../format/store-away.js';
import { formatStructured } from '../format/structured.js';
import { parseResource } from '../kinds.js';

export const describeCommand: Command = {
  name: 'describe',
  summary: 'a document, the conditions that concern it, the sessions or hosts it leads to',
  positionals: [
    { name: 'kind', describe: 'a kind, or KIND/NAME', required: true },
    { name: 'name', describe: 'its name; NAMESPACE/NAME where the kind has namespaces', required: false },
  ],
  options: {},
  examples: [
    ['bgpctl describe node host-a', ''],
    ['bgpctl describe ippool pods', 'with every host: whether it receives what the pool is sent by'],
  ],
  async run(given, context) {
    const id = parseResource(text(given, 'kind') as string, text(given, 'name'));
    const { client } = context;
    const [stored, status, { peers }] = await Promise.all([
      client.resource(id),
      client.status(),
      client.peers(),
    ]);
    tellStoreAway(stored.storeAway, context);
    const key = formatResourceId(id);
    const conditions = status.conditions.filter(({ objects }) => objects.includes(key));
    await context.out(
      `${key}${stored.revision === '' ? '' : `, revision ${stored.revision}`}\n\n${await formatStructured(serialiseResource(stored.resource), 'yaml')}`,
    );
    if (conditions.length > 0) {
      const lines = conditions.map(({ severity, message }) => `  ${severity}: ${message}\n`);
      await context.out(`\nConditions\n${lines.join('')}`);
    }
    const ofDocument = peers.filter(peer => peer.name === id.name);
    if ((id.kind === 'Node' || id.kind === 'BGPPeer') && ofDocument.length > 0) {
      const options = { width: context.columns, colour: context.colour, wide: false, now: context.now() };
      await context.out(`\nSessions\n${formatPeers(ofDocument, options)}`);
    }
    if (stored.resource.kind === 'IPPool') await describeHosts(stored.resource, context);
    return exitCode.fine;
  },
};

/** Which of them receive what the pool's packets are sent by. */
async function describeHosts(
  pool: IPPoolResource,
  { client, out, columns: width, colour }: Context,
): Promise<void> {
  const tunnel = tunnelOf(pool);
  if (tunnel === undefined) return;
  const lists = await Promise.all((['Node', 'NodeStatus'] as const).map(kind => client.resources(kind)));
  const reports = hostReports(lists.flatMap(({ resources }) => resources.map(({ resource }) => resource)));
  await out(`\nHosts\n${formatPoolHosts(tunnel, reports, { width, colour })}`);
}
