/** `bgpctl policy show` for people: tiers, policies and rules of an endpoint in the order in which packets meet them. Pure. */
import type {
  EndpointPolicyView,
  PolicyPartView,
  PolicyRulesView,
  PolicyRuleView,
} from '../../agent/control/policy-types.js';
import { type Column, type Row, renderTable } from './table.js';
import { painter, wrapText } from './text.js';

export interface EndpointPolicyOptions {
  readonly width: number;
  readonly colour: boolean;
}

const COUNTERS =
  'Counters are those of all endpoints of this host that a policy is for, since it was last written.';

const columns: readonly Column[] = [
  { header: 'RULE', align: 'right' },
  { header: 'ACTION' },
  { header: 'PACKETS', align: 'right' },
  { header: 'BYTES', align: 'right' },
  { header: 'MATCHES' },
];

export function formatEndpointPolicy(view: EndpointPolicyView, options: EndpointPolicyOptions): string {
  const paint = painter(options.colour);
  const where = view.interfaceName === '*' ? 'every interface of the host' : view.interfaceName;
  const lines = [`${view.endpoint}, ${where}`];
  if (view.disabled) lines.push('  it is administratively down: nothing passes');
  if (!view.guarded)
    lines.push(
      '  it is not guarded: its interface does not begin as those of workloads do (interfacePrefix)',
    );
  if (!view.inForce) lines.push('  what is shown is not all in force yet: see bgpctl status');
  if (view.countersProblem !== '') lines.push(`  there are no counters: ${view.countersProblem}`);
  let text = `${lines.join('\n')}\n`;
  for (const part of view.parts) {
    text += `\n${paint('bold', partTitle(part))}\n${partText(part, options)}`;
  }
  if (view.parts.some(({ tiers, profiles }) => tiers.length + profiles.length > 0))
    text += `\n${wrapText(COUNTERS, options.width).join('\n')}\n`;
  return text;
}

const partWords: Readonly<Record<PolicyPartView['part'], string>> = {
  workload: '',
  host: ', processes of the host',
  forward: ', forwarded packets',
  untracked: ', before connection tracking',
  'pre-dnat': ', before destination NAT',
};

function partTitle({ part, direction }: PolicyPartView): string {
  return `${direction === 'ingress' ? 'Ingress' : 'Egress'}${partWords[part]}`;
}

function partText({ part, tiers, profiles }: PolicyPartView, options: EndpointPolicyOptions): string {
  let text = '';
  for (const { name, defaultAction, policies } of tiers) {
    text += `  tier ${name}\n`;
    for (const policy of policies) {
      const staged = policy.staged ? ' (staged: counts what it would have done, and does nothing)' : '';
      text += `    ${policy.key}${staged}\n${rulesText(policy, options, policy.staged)}`;
    }
    text += `    otherwise: ${defaultWords[defaultAction]}\n`;
  }
  for (const profile of profiles) {
    text += `  ${profile.key}${profile.missing ? ' does not exist: deny' : ''}\n`;
    if (!profile.missing) text += rulesText(profile, options, false);
  }
  if (part === 'workload' || part === 'host') text += '  otherwise: deny\n';
  return text;
}

const defaultWords = { deny: 'deny', pass: 'pass', none: 'pass (all of it is staged)' } as const;

/** What a row holds before its last column, at most. */
const COUNTS_WIDTH = 48;
const INDENT = '      ';

function rulesText({ rules }: PolicyRulesView, options: EndpointPolicyOptions, staged: boolean): string {
  if (rules.length === 0) return `${INDENT}no rules\n`;
  const width = Math.max(COUNTS_WIDTH, options.width - INDENT.length);
  const rows = rules.map(one => row(one, staged, width - COUNTS_WIDTH));
  const table = renderTable(columns, rows, { ...options, width });
  return table.replace(/^(?=.)/gm, INDENT);
}

function row({ rule, action, packets, bytes, words }: PolicyRuleView, staged: boolean, room: number): Row {
  const shown = staged && action !== 'log' ? `would ${action}` : action;
  const cells = [String(rule), shown, packets?.toString() ?? '-', bytes?.toString() ?? '-'];
  const colours = { allow: 'green', deny: 'red', pass: 'yellow', log: 'dim' } as const;
  const fits = words.length <= room;
  return {
    cells: [...cells, fits ? words : ''],
    colours: { 1: colours[action] },
    ...(fits ? {} : { below: [words] }),
  };
}
