/** Faults that a renderer could have, planted into what it has rendered. Each must change the verdict of some packet. */
import type { RenderedChain, RenderedFilter, RenderedRule } from '../../../policy/rendered.js';

export type Fault = (filter: RenderedFilter) => RenderedFilter;

export const plantedFaults: Readonly<Record<string, Fault>> = {
  'a negated network is taken for the network': replaced(/^! (-[sd]) /, '$1 '),
  'a negated protocol is not written': replaced(/! -p \S+ ?/, ''),
  'a negated set is taken for the set': replaced(/-m set ! /, '-m set '),
  'ports that must not be are not written': replaced(/-m multiport ! --[sd]ports \S+ ?/, ''),
  'source and destination of sets are exchanged': replaced(
    /(--match-set \S+) (src|dst)\b/,
    (_, set, end) => `${set} ${end === 'src' ? 'dst' : 'src'}`,
  ),
  'the last of several ports is lost': replaced(/(--[sd]ports \S+),[^, ]+/, '$1'),
  'the code of ICMP is lost': replaced(/(--icmp(?:v6)?-type \d+)\/\d+/, '$1'),
  'a match in blocks is true at once': withoutRules(({ text }) =>
    /^-m mark --mark 0x0\S+ -j MARK --set-xmark 0x0\//.test(text),
  ),
  'pass is remembered in the next tier': withoutRules(({ comments }) =>
    comments.some(one => /^tier [^:]*$/.test(one)),
  ),
  'the default of a tier is not rendered': withoutRules(({ comments }) =>
    comments.some(one => /: no policy passed$/.test(one)),
  ),
  'the first policy of a tier does not decide for it': replaced(
    /^-m mark --mark 0x0\S+ -j mgy-p/,
    '-j mgy-p',
  ),
  'a deny rule goes on to the next': ofChains(/^mgy-p[io]-/, ({ rules, ...chain }) => ({
    ...chain,
    rules: rules.map(rule =>
      rule.origin === undefined ? rule : retarget(rule, /-j (DROP|REJECT .*)$/, '-j RETURN'),
    ),
  })),
  'a staged policy denies': ofChains(/^mgy-p[io]-/, ({ rules, ...chain }) => ({
    ...chain,
    rules: rules.map(rule =>
      retarget(rule, /-j RETURN$/, rule.origin === undefined ? '-j RETURN' : '-j DROP'),
    ),
  })),
  'a profile that does not exist is left out': withoutRules(({ comments }) =>
    comments.some(one => one.startsWith('no such profile')),
  ),
  'addresses of others are not looked at': withoutRules(({ comments }) => comments.includes('spoofed')),
  'encapsulated packets of workloads are let through': withoutRules(({ comments }) =>
    comments.includes('encapsulated'),
  ),
  'a disabled workload is let through': ofChains(/^mgy-[ft]w-/, ({ rules, ...chain }) => ({
    ...chain,
    rules: rules.map(rule =>
      rule.comments.some(one => one.endsWith('is disabled')) ? { ...rule, text: '-j ACCEPT' } : rule,
    ),
  })),
  'connections that are cut go on': withoutRules(({ comments }) => comments.includes('flushOnDeny')),
  'what the host sends by a connection that is cut goes on': ofChains(
    /^mgy-OUTPUT$/,
    ({ rules, ...chain }) => ({
      ...chain,
      rules: rules.filter(({ comments }) => !comments.includes('flushOnDeny')),
    }),
  ),
  'connections are not known': withoutRules(({ text }) => text.includes('RELATED,ESTABLISHED')),
  'invalid packets are not dropped': withoutRules(({ text }) => text.includes('INVALID')),
  'failsafes are forgotten': ofChains(/^mgy-failsafe-/, chain => ({ ...chain, rules: [] })),
  'bits that a packet brings along are kept': ofChains(/^mgy-(PREROUTING|OUTPUT)$/, chain => ({
    ...chain,
    rules: chain.rules.filter(({ text }) => !text.startsWith('-j MARK --set-xmark 0x0/')),
  })),
  'untracked packets are looked up among connections': withoutRules(({ text }) => text.endsWith('--notrack')),
  'what DNAT has turned elsewhere is not judged': withoutRules(({ text }) =>
    text.includes('--ctstate DNAT -m addrtype'),
  ),
  'the endpoint of all interfaces stands for workloads too': withoutRules(({ text }) =>
    /^-[io] (cali|tap)\+ -j RETURN$/.test(text),
  ),
  'a tunnel takes packets from everybody': withoutRules(({ comments }) =>
    comments.includes('encapsulated, from no node'),
  ),
  'workloads and their host are not told apart': ofChains(/^mgy-wl-to-host$/, chain => ({
    ...chain,
    rules: chain.rules.filter(({ comments }) => !comments.some(one => one.startsWith('endpointToHost'))),
  })),
  'two interfaces are exchanged': ofChains(/^mgy-(from|to)-wl/, exchanged),
};

// ---------------------------------------------------------------- how they are planted

function ofChains(names: RegExp, change: (chain: RenderedChain) => RenderedChain): Fault {
  return filter => ({
    ...filter,
    tables: filter.tables.map(table => ({
      ...table,
      chains: new Map(
        [...table.chains].map(([name, chain]) => [name, names.test(name) ? change(chain) : chain]),
      ),
    })),
  });
}

function withoutRules(which: (rule: RenderedRule) => boolean): Fault {
  return ofChains(/^/, chain => ({ ...chain, rules: chain.rules.filter(rule => !which(rule)) }));
}

function replaced(what: RegExp, by: string | ((...found: string[]) => string)): Fault {
  return ofChains(/^/, chain => ({ ...chain, rules: chain.rules.map(rule => retarget(rule, what, by)) }));
}

function retarget(
  rule: RenderedRule,
  what: RegExp | string,
  by: string | ((...found: string[]) => string),
): RenderedRule {
  return { ...rule, text: rule.text.replace(what, by as string) };
}

/** The first two leaves. */
function exchanged(chain: RenderedChain): RenderedChain {
  const [first, second, ...rest] = chain.rules;
  const interfaceOf = (rule: RenderedRule | undefined) => /^-[io] (\S+) -g/.exec(rule?.text ?? '')?.[1];
  const [one, other] = [interfaceOf(first), interfaceOf(second)];
  if (one === undefined || other === undefined) return chain;
  return {
    ...chain,
    rules: [retarget(first!, ` ${one} `, ` ${other} `), retarget(second!, ` ${other} `, ` ${one} `), ...rest],
  };
}
