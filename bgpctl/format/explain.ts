/** `bgpctl explain` for people: the verdict first, then each host on the way, step by step, and the route. Pure. */
import type { ExplainedEnd, ExplainView } from '../../agent/control/policy-types.js';
import { protocolInWords } from '../../policy/evaluate/rule-words.js';
import { painter, printable, wrapText } from './text.js';

export interface ExplainOptions {
  readonly width: number;
  readonly colour: boolean;
}

type Step = ExplainView['hosts'][number]['steps'][number];

export function explainLines(view: ExplainView, { width, colour }: ExplainOptions): string {
  const paint = painter(colour);
  const { verdict, why, from, to, packet } = view;
  const good = verdict === 'allow';
  const way = `${endWords(from, packet.source)} to ${endWords(to, packet.destination)}, ${cargoWords(packet)}`;
  const lines = [
    `${paint(good ? 'green' : 'red', good ? 'ALLOWED' : 'DENIED')}: ${printable(way)}`,
    ...wrapped(why, width, '  '),
    ...wrapped(hereWords[view.policyHere], width, '  '),
  ];
  for (const { host, here, steps } of view.hosts) {
    lines.push('', paint('bold', `On ${host}${here ? ' (this host)' : ''}`));
    for (const step of steps) lines.push(...wrapped(step.words, width, ' '.repeat(depthOf(step))));
  }
  lines.push('', paint('bold', 'Route from this host'), ...wrapped(view.route.words, width, '  '));
  return `${lines.join('\n')}\n`;
}

const hereWords: Readonly<Record<ExplainView['policyHere'], string>> = {
  'in-force': '',
  'not-in-force': 'What this host should enforce is not all in force yet: see bgpctl status.',
  off: 'No policy is enforced on this host: this is what its documents say, and its kernel lets everything through.',
};

function endWords({ name, host }: ExplainedEnd, address: string): string {
  if (name === null) return address;
  return name.startsWith('host ') || host === null
    ? `${name} (${address})`
    : `${name} (${address} on ${host})`;
}

function cargoWords({ protocol, destinationPort, icmp }: ExplainView['packet']): string {
  if (icmp !== undefined) return `${protocolInWords(protocol)} type ${icmp.type} code ${icmp.code}`;
  const words = protocolInWords(protocol);
  return destinationPort === undefined ? words : `${words} port ${destinationPort}`;
}

function depthOf({ kind }: Step): number {
  switch (kind) {
    case 'hook':
    case 'decided':
      return 2;
    case 'endpoint':
    case 'unguarded':
      return 4;
    case 'tier':
      return 6;
    case 'rule':
    case 'no-rule':
    case 'staged':
    case 'tier-default':
    case 'missing-profile':
      return 8;
  }
}

function wrapped(text: string, width: number, indent: string): readonly string[] {
  if (text === '') return [];
  return wrapText(printable(text), Math.max(20, width - indent.length)).map(line => indent + line);
}
