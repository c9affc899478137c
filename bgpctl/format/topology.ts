/** `bgpctl topology` for people: the plan and why it is so, reflectors, what is on its way, this host's own sessions. Pure. */
import type {
  TopologyExplainView,
  TopologySessionView,
  TopologyTransitionView,
  TopologyView,
} from '../../agent/control/topology-types.js';
import type { FormatOptions } from './peers.js';
import { type Column, type Row, renderTable } from './table.js';
import { formatCount, formatSpan, wrapText } from './text.js';

export function formatTopology(view: TopologyView, options: FormatOptions): string {
  if (view.mode === 'off') {
    return paragraph(
      `nodeToNodeMeshEnabled is false for ${view.node}: its sessions are those of BGPPeer documents alone (bgpctl peers).`,
      options,
    );
  }
  const parts = [
    [headline(view, options), ...reasons(view, options)].join(''),
    view.transition === null ? '' : transition(view.transition, options),
    reflectors(view, options),
    options.wide ? clients(view, options) : '',
    sessions(view, options),
    outside(view, options),
  ];
  return parts.filter(part => part !== '').join('\n');
}

export function formatTopologyOf(view: TopologyExplainView, options: FormatOptions): string {
  const words = view.words.map(line => paragraph(`${line}.`, options)).join('');
  if (view.reflectors.length === 0) return words;
  const columns: Column[] = [
    { header: 'REFLECTOR' },
    ...spreadColumn(view.spreadBy),
    { header: 'SESSION' },
    { header: 'WHY', wraps: true },
  ];
  const rows = view.reflectors.map(({ node, spread, chosen, why }): Row => {
    const cells = [node, ...spreadCell(view.spreadBy, spread), chosen ? 'yes' : 'no', why];
    return { cells, colours: chosen ? { [cells.length - 2]: 'green' } : {} };
  });
  return `${words}\n${renderTable(columns, rows, options)}`;
}

function headline({ plan, mode, hosts, reflectors: found }: TopologyView, options: FormatOptions): string {
  const all = formatCount(hosts.length, 'host peers', 'hosts peer');
  const how = mode === 'mesh' ? 'in a mesh' : `through ${formatCount(found.length, 'reflector')}`;
  const by =
    plan === null
      ? 'without a plan of the controller: as by the first one'
      : `by generation ${plan.generation} of the plan, ${formatSpan(options.now - plan.decidedUnixMs)} old`;
  return paragraph(`${all} ${how}, ${by}.`, options);
}

function reasons({ plan }: TopologyView, options: FormatOptions): readonly string[] {
  if (plan === null) return [];
  const { nextChangeUnixMs: nextMs } = plan;
  const soon =
    nextMs === null || nextMs <= options.now ? 'presently' : `in ${formatSpan(nextMs - options.now)}`;
  const damped = `another arrangement is wanted, and comes ${soon}: the plan has changed lately`;
  return [...plan.reasons, ...(nextMs === null ? [] : [damped])].map(reason => item(reason, options));
}

function transition({ before, waitsFor, silent }: TopologyTransitionView, options: FormatOptions): string {
  const kept = before.mode === 'mesh' ? 'The mesh' : `The reflectors ${before.reflectors.join(', ')}`;
  const verb = before.mode === 'mesh' ? 'is' : 'are';
  const lead = `${kept} of before ${verb} kept until every living host is in sync`;
  const unheard = silent.length === 0 ? '' : ` Nobody waits for the silent: ${silent.join(', ')}.`;
  if (waitsFor === null) return paragraph(`${lead}; what they report cannot be read now.`, options);
  if (waitsFor.length === 0) return paragraph(`${lead}: all are, and it goes presently.${unheard}`, options);
  const columns: Column[] = [{ header: 'WAITS FOR' }, { header: 'WHY', wraps: true }];
  const rows = waitsFor.map(({ node, why }): Row => ({ cells: [node, why], colours: { 0: 'yellow' } }));
  return `${paragraph(`${lead}.${unheard}`, options)}${renderTable(columns, rows, options)}`;
}

function reflectors({ mode, reflectors: found, spreadBy }: TopologyView, options: FormatOptions): string {
  if (mode === 'mesh') return '';
  const columns: Column[] = [
    { header: 'REFLECTOR' },
    ...spreadColumn(spreadBy),
    { header: 'CLIENTS', align: 'right' },
  ];
  const rows = found.map(({ node, spread, clients }): Row => {
    return { cells: [node, ...spreadCell(spreadBy, spread), String(clients)] };
  });
  return renderTable(columns, rows, options);
}

function clients({ clients: all }: TopologyView, options: FormatOptions): string {
  if (all.length === 0) return '';
  const columns: Column[] = [{ header: 'CLIENT' }, { header: 'REFLECTORS' }];
  const rows = all.map(({ node, reflectors: chosen }): Row => ({ cells: [node, chosen.join(', ')] }));
  return renderTable(columns, rows, { ...options, width: Number.MAX_SAFE_INTEGER });
}

const parts: Readonly<Record<TopologySessionView['part'], string>> = {
  mesh: 'mesh',
  reflector: 'reflector',
  client: 'client',
  fellow: 'fellow reflector',
};

function sessions({ node, sessions: all }: TopologyView, options: FormatOptions): string {
  if (all.length === 0) return paragraph(`${node} has no session by it.`, options);
  const columns: Column[] = [
    { header: `PEER OF ${node}` },
    { header: 'IS' },
    { header: 'STATE' },
    { header: 'SINCE', align: 'right' },
    { header: 'WHY', wraps: true },
  ];
  const rows = all.map((session): Row => {
    const { node: other, part, stays, state, sinceUnixMs, info, why } = session;
    const since = sinceUnixMs === null ? '' : formatSpan(options.now - sinceUnixMs);
    const cells = [other, stays ? parts[part] : `${parts[part]}, ends`, state, since, why];
    const up = state === 'Established';
    return { cells, colours: { 2: up ? 'green' : 'red' }, ...(up || info === '' ? {} : { below: [info] }) };
  });
  return renderTable(columns, rows, options);
}

function outside({ outside: hosts }: TopologyView, options: FormatOptions): string {
  return hosts.map(({ node, why }) => paragraph(`${node} takes no part: ${why}.`, options)).join('');
}

function spreadColumn(spreadBy: string | null): readonly Column[] {
  return spreadBy === null ? [] : [{ header: spreadBy.toUpperCase() }];
}

function spreadCell(spreadBy: string | null, spread: string | null): readonly string[] {
  return spreadBy === null ? [] : [spread ?? '-'];
}

function paragraph(words: string, { width }: FormatOptions): string {
  return wrapText(words, width)
    .map(line => `${line}\n`)
    .join('');
}

function item(words: string, { width }: FormatOptions): string {
  const lines = wrapText(words, Math.max(20, width - 4));
  return lines.map((line, i) => `${i === 0 ? '  - ' : '    '}${line}\n`).join('');
}
