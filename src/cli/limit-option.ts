import { InvalidArgumentError } from 'commander';
import { nearest } from '../lib/edit-distance.ts';
import type { LimitName } from '../metrics/catalog.ts';
import { type Limits, limitTable } from '../proxy/limits.ts';

/** Reads `NAME=NUMBER` of `--limit`; repeatable. Throws commander's error for a name that is none. */
export function collectLimit(text: string, sofar: Partial<Limits> = {}): Partial<Limits> {
  const [name = '', value = ''] = text.split('=');
  if (!Object.hasOwn(limitTable, name)) {
    const near = nearest(name, Object.keys(limitTable));
    throw new InvalidArgumentError(
      near === null
        ? `There is no limit "${name}". Limits: ${Object.keys(limitTable).join(', ')}.`
        : `There is no limit "${name}". Did you mean ${near}?`,
    );
  }
  if (!/^[1-9]\d{0,11}$/.test(value)) {
    const { unit } = limitTable[name as LimitName];
    throw new InvalidArgumentError(`Write ${name}=NUMBER, a whole number of at least 1 (${unit}).`);
  }
  return { ...sofar, [name]: Number(value) };
}
