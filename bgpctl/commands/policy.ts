/** `bgpctl policy show ENDPOINT`: what is enforced for it, and counted. `bgpctl policy test FILE`: whether policy does what is expected of it, by its documents alone. */
import { check, type Expectation, type ExpectationResult } from '../../policy/journey/expectations.js';
import { World } from '../../policy/journey/world.js';
import {
  type Arguments,
  type Command,
  type Context,
  exitCode,
  outputFormat,
  outputOption,
  text,
  UsageError,
} from '../command.js';
import { formatEndpointPolicy } from '../format/endpoint-policy.js';
import { expectationWords, journeyLines, missedLines } from '../format/journeys.js';
import { formatStructured } from '../format/structured.js';
import { readScenarios, type Scenario } from '../policy-files.js';
import { checkResult, show } from '../show.js';

export const policyCommand: Command = {
  name: 'policy',
  summary: 'network policy of an endpoint with its counters; or tried out: whether it does what it should',
  positionals: [
    { name: 'what', describe: 'what is done', required: false, choices: ['show', 'test'] },
    {
      name: 'of',
      describe:
        'show: an endpoint of this host; test: a file of expectations, a list of { manifests, expect }',
      required: false,
    },
  ],
  options: { ...outputOption },
  examples: [
    ['bgpctl policy show shop/db', 'tiers, policies and rules in order, with the packets that each has met'],
    ['bgpctl policy test expectations.yaml', 'with no host at all; exit 1 if some are not met'],
    ['bgpctl policy test expectations.yaml -o wide', 'with the way of every packet'],
  ],
  async run(given, context) {
    const [what, of] = [text(given, 'what'), text(given, 'of')];
    if (what === undefined) {
      throw new UsageError(
        'policy what? "bgpctl policy show ENDPOINT" shows what is enforced for it, "bgpctl policy test FILE" tries out what a file expects',
      );
    }
    if (what === 'show') return await showEndpoint(of, given, context);
    return await testFile(of, given, context);
  },
};

async function showEndpoint(
  endpoint: string | undefined,
  given: Arguments,
  context: Context,
): Promise<number> {
  if (endpoint === undefined)
    throw new UsageError('show what? Give an endpoint of this host: NAMESPACE/NAME, its name or interface');
  const { columns: width, colour, client } = context;
  await show(
    context,
    outputFormat(given),
    { once: () => client.policyOf(endpoint), watch: undefined },
    view => formatEndpointPolicy(view, { width, colour }),
  );
  return exitCode.fine;
}

async function testFile(file: string | undefined, given: Arguments, context: Context): Promise<number> {
  if (file === undefined) throw new UsageError('test what? Give the file of expectations');
  const scenarios = await readScenarios(file);
  const format = outputFormat(given);
  const outcomes = scenarios.map(judge);
  if (format === 'json' || format === 'yaml')
    await context.out(await formatStructured(outcomes.flatMap(views), format));
  else await print(outcomes, format === 'wide', context);
  return checkResult(outcomes.some(({ results }) => results.some(({ result }) => result.kind !== 'met')));
}

interface Outcome {
  readonly scenario: Scenario;
  readonly results: readonly { readonly expected: Expectation; readonly result: ExpectationResult }[];
}

function judge(scenario: Scenario): Outcome {
  const world = new World(scenario.documents);
  return {
    scenario,
    results: scenario.expectations.map(expected => ({ expected, result: check(world, expected) })),
  };
}

async function print(outcomes: readonly Outcome[], wide: boolean, context: Context): Promise<void> {
  for (const { scenario, results } of outcomes) {
    const met = results.filter(({ result }) => result.kind === 'met').length;
    const lines = [`${scenario.manifests.join(' + ')}: ${met} of ${results.length} as expected`];
    for (const { expected, result } of results) {
      if (result.kind !== 'met') lines.push(...missedLines(expected, result).map(line => `  ${line}`));
      else if (wide) {
        lines.push(`  ${expectationWords(expected)}: ${expected.verdict}`);
        lines.push(...journeyLines(result.journey).map(line => `      ${line}`));
      }
    }
    await context.out(`${lines.join('\n')}\n`);
  }
}

function views({ scenario, results }: Outcome): readonly object[] {
  return results.map(({ expected, result }) => ({
    manifests: scenario.manifests,
    ...expected,
    result: result.kind,
    ...(result.kind === 'senseless'
      ? { problem: result.problem }
      : { verdictFound: result.journey.verdict, way: journeyLines(result.journey) }),
  }));
}
