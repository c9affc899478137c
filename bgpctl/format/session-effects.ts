/** `bgpctl apply --dry-run`: what would become of this host's sessions. Those that fare alike share a line. Pure. */
import type { SessionEffectView } from '../../agent/control/types.js';
import { formatCount, printable } from './text.js';

const words: Readonly<Record<SessionEffectView['effect'], string>> = {
  ends: 'would end',
  resets: 'would be reset',
  starts: 'would begin',
  'changes-live': 'would change without a reset',
};
/** Of a range: its peers are as many as dial. */
const rangeWords: Readonly<Record<SessionEffectView['effect'], string>> = {
  ends: 'would take no peers any more, and end its sessions',
  resets: 'would reset its sessions',
  starts: 'would take peers that dial',
  'changes-live': 'would change without a reset',
};
const order = Object.keys(words) as SessionEffectView['effect'][];
/** Named one by one up to here. */
const MOST_NAMES = 5;

export function formatSessionEffects(effects: readonly SessionEffectView[]): string {
  if (effects.length === 0) return "None of this host's sessions would change.\n";
  const groups = new Map<string, SessionEffectView[]>();
  for (const effect of order.flatMap(kind => effects.filter(one => one.effect === kind))) {
    const key = JSON.stringify([isRange(effect), effect.effect, effect.fields, effect.why]);
    groups.set(key, [...(groups.get(key) ?? []), effect]);
  }
  return [...groups.values()].map(groupLine).join('');
}

function groupLine(group: readonly SessionEffectView[]): string {
  const { effect, fields, why } = group[0] as SessionEffectView;
  const who = group
    .slice(0, MOST_NAMES)
    .map(({ name, address }) => (name === '' ? address : `${name} (${address})`));
  const others = group.length > MOST_NAMES ? ` and ${group.length - MOST_NAMES} more` : '';
  const what = fields.length === 0 ? '' : `: ${fields.join(', ')}`;
  const because = why === '' ? '' : `${fields.length === 0 ? ': ' : '; '}${why}`;
  const range = isRange(group[0] as SessionEffectView);
  const subject = range
    ? `${formatCount(group.length, 'range')} ${rangeWords[effect]}`
    : `${formatCount(group.length, 'session')} ${words[effect]}`;
  return printable(`${subject}${what}${because}`).concat(`\n  ${printable(who.join(', '))}${others}\n`);
}

function isRange({ address }: SessionEffectView): boolean {
  return address.includes('/');
}
