/**
 * The file of good documents, as lines (pure): a head that says which store they are of, then one for each change, `+KEY TAB JSON TAB` or
 * `-KEY TAB`; the newest of a document counts. One without its last TAB was cut off by a full disk or a crash and counts for nothing: what
 * stood there of that document before still does.
 */
import { formatResourceId, type Resource, resourceIdOf } from '../core/resources/resource.js';
import { serialiseResource } from '../core/resources/written-form.js';

export interface GoodLines {
  /** By {@link formatResourceId}: the newest line of each document. */
  readonly newest: Map<string, string>;
  /** Of all that were written, also those that are out of date. */
  readonly count: number;
}

const HEAD = 'margay: good documents of ';
const END = '\t';

export function headOf(origin: string): string {
  return HEAD + JSON.stringify(origin);
}

/** Of whichever store. */
export function areGoodLines(content: string): boolean {
  return content.startsWith(HEAD);
}

export function goodLineOf(resource: Resource): string {
  return `+${formatResourceId(resourceIdOf(resource))}\t${JSON.stringify(serialiseResource(resource))}${END}`;
}

export function forgottenLineOf(key: string): string {
  return `-${key}${END}`;
}

export function readGoodLines(content: string): GoodLines {
  const [, ...lines] = content.split('\n');
  const newest = new Map<string, string>();
  for (const line of lines) noteGoodLine(newest, line);
  return { newest, count: lines.length };
}

export function noteGoodLine(newest: Map<string, string>, line: string): void {
  if (!line.endsWith(END)) return;
  const key = line.slice(1, line.indexOf('\t'));
  if (line.startsWith('-')) newest.delete(key);
  else if (line.startsWith('+') && line.length > 1 + key.length + END.length) newest.set(key, line);
}

/** @throws {SyntaxError} where the line was damaged */
export function documentOfLine(line: string): unknown {
  return JSON.parse(line.slice(line.indexOf('\t'), -END.length));
}
