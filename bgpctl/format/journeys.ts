/** The way of a packet in words: what each host on it looked at, and why it decided as it did. */
import { stepInWords } from '../../policy/evaluate/trace.js';
import type { Expectation, ExpectationResult } from '../../policy/journey/expectations.js';
import type { Journey } from '../../policy/journey/journey.js';

export function journeyLines({ legs, packet }: Journey): readonly string[] {
  return [
    `${packet.source} -> ${packet.destination}`,
    ...legs.flatMap(({ host, judgement }) => [
      `on ${host}:`,
      ...judgement.trace.map(step => `  ${stepInWords(step)}`),
    ]),
  ];
}

/** "shop/web -> shop/db 5432/tcp" */
export function expectationWords({ from, to, port, icmp }: Expectation): string {
  return `${from} -> ${to} ${port ?? `icmp ${icmp}`}`;
}

/** Of one that is not met. */
export function missedLines(expected: Expectation, result: ExpectationResult): readonly string[] {
  const words = expectationWords(expected);
  if (result.kind === 'senseless') return [`${words}: ${result.problem}`];
  const { journey } = result;
  return [
    `${words}: ${journey.verdict}, and ${expected.verdict} was expected`,
    ...journeyLines(journey).map(line => `    ${line}`),
  ];
}
