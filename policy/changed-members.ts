/**
 * How the members of a set came from those it had before, for who would have to compare hundreds of thousands (pure): noted by whoever
 * changes them, asked for by whoever has dealt with those before. Nobody need ask, and what was not noted is found out by comparison.
 */
export interface MembersChange {
  readonly added: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
}

/** By what there is now; what was before is not kept alive by it. */
const changes = new WeakMap<object, { readonly before: WeakRef<object>; readonly change: MembersChange }>();

/** @param after is another object than `before` */
export function noteChange(before: object, after: object, change: MembersChange): void {
  changes.set(after, { before: new WeakRef(before), change });
}

/** What `after` was made of, and by which changes; undefined: nobody has noted it. */
export function noted<T extends object>(
  after: T,
): { readonly before: T; readonly change: MembersChange } | undefined {
  const found = changes.get(after);
  const before = found?.before.deref() as T | undefined;
  return found === undefined || before === undefined ? undefined : { before, change: found.change };
}
