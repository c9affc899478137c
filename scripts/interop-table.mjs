/**
 * `docs/interop.md`: what was tried against each daemon, made from a run of the interop tests: `npm test -- --stage interop --table`.
 * Which test shows which feature, and what a daemon lacks, stands in `test/integration/interop/features.ts`.
 */

/**
 * The daemons that a test's name begins with: "bird2: ...", "frr inside an AS: ...", "bird2, frr and gobgp: ...".
 *
 * @param name as AVA prints it, with the file's name in front
 * @returns undefined if it begins with none
 */
export function daemonsOf(name, daemons) {
  const title = name.split(' › ').at(-1);
  const one = `(?:${daemons.join('|')})`;
  const found = new RegExp(`^(${one}(?:, ${one})*(?: and ${one})?)(?=[ :,]|$):? ?(.*)$`).exec(title);
  return found === null ? undefined : { daemons: found[1].split(/, | and /), title: found[2] };
}

/**
 * @param features as `features.ts` has them
 * @param outcomes of tests: `{ name, outcome: 'passed' | 'failed' | 'skipped', reason? }`
 * @returns the page, and what is wrong with it beyond the tests that failed: tests that belong to no feature or daemon, cells that do not
 *   say what holds
 */
export function interopPage(features, daemons, outcomes) {
  const names = daemons.map(({ name }) => name);
  const problems = [];
  const found = outcomes.flatMap(each => {
    const of = daemonsOf(each.name, names);
    if (of === undefined || !features.some(({ tests }) => tests.test(of.title))) {
      problems.push(`${each.name}: a test that belongs to no ${of === undefined ? 'daemon' : 'feature'}`);
    }
    return of === undefined ? [] : [{ ...each, ...of }];
  });
  const rows = features.map(feature => {
    const cells = daemons.map(({ name, title }) => {
      const shown = found.filter(each => each.daemons.includes(name) && feature.tests.test(each.title));
      const { text, problem } = cell(shown, feature.lacks[name]);
      if (problem !== undefined) problems.push(`${feature.name}, ${title}: ${problem}`);
      return text;
    });
    return `| ${[feature.name, feature.rfc, ...cells].join(' | ')} |`;
  });
  const heading = ['Feature', 'RFC', ...daemons.map(({ title }) => title)];
  const table = [`| ${heading.join(' | ')} |`, `|${heading.map(() => '---').join('|')}|`, ...rows, ''];
  return { page: `${preface}\n${table.join('\n')}`, problems };
}

function cell(shown, lack) {
  const count = outcome => shown.filter(each => each.outcome === outcome).length;
  const [failed, passed] = [count('failed'), count('passed')];
  if (failed > 0) return { text: `**fail** (${failed} of ${shown.length})` };
  if (passed > 0) {
    const text = passed === 1 ? 'pass' : `pass (${passed} tests)`;
    return { text, problem: lack === undefined ? undefined : `passes what it is said to lack (${lack})` };
  }
  if (lack !== undefined) return { text: `lacks: ${lack}` };
  if (shown.length === 0) return { text: 'not tried', problem: 'not tried' };
  return { text: `skipped: ${shown[0].reason}`, problem: `skipped: ${shown[0].reason}` };
}

const preface = `# Other BGP speakers

Margay's speaker against the daemons of Debian 12, each in a network namespace of its own, feature by feature. The page is made by
\`npm test -- --stage interop --table\`: _pass_ is what passed in that run, _lacks_ what the daemon in this version does not have. The
tests are in \`test/integration/interop/\`; which of them show which feature is in \`features.ts\` there.
`;
