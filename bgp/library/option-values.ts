/** Values that a user of `margay/bgp` may write, and the error for those that cannot be used (pure). */

export const MAX_U32 = 0xffffffff;

/** A value that cannot be used; `field` is the option's path. */
export class OptionError extends TypeError {
  readonly field: string;
  readonly value: unknown;
  readonly allowed: string;

  constructor(field: string, value: unknown, allowed: string) {
    super(`${field}: ${show(value)} is not ${allowed}`);
    this.name = 'OptionError';
    this.field = field;
    this.value = value;
    this.allowed = allowed;
  }
}

/** Also of what JSON has no words for. */
function show(value: unknown): string {
  const worded = typeof value === 'object' || typeof value === 'string' || typeof value === 'boolean';
  return worded ? JSON.stringify(value) : String(value);
}

export function numberOption(field: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OptionError(field, value, `a whole number from ${least} to ${most}`);
  }
  return value;
}

export function wordOption<const T extends string>(field: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw new OptionError(field, value, `one of ${words.join(', ')}`);
}
