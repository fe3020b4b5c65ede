import { Option } from 'commander';
import stringWidth from 'string-width';
import { stringify } from 'yaml';
import { colours } from './colours.ts';

/** How an answer is printed. */
export type OutputFormat = 'table' | 'json' | 'yaml';

const outputFormats: readonly OutputFormat[] = ['table', 'json', 'yaml'];

/** `-o table|json|yaml`, the same wherever something is printed. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how it is printed').choices(outputFormats).default('table');
}

/** Columns side by side, as wide as they need to be (wide characters count double); the header dimmed. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) =>
    Math.max(stringWidth(name), ...rows.map((row) => stringWidth(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === cells.length - 1 ? cell : cell + ' '.repeat(widths[column]! - stringWidth(cell)),
      )
      .join('  ')
      .trimEnd();
  return [colours.dim(line(header)), ...rows.map(line)].join('\n');
}

/** One object a line, as JSON or as YAML documents. */
export function formatObjects(objects: readonly unknown[], format: 'json' | 'yaml'): string {
  if (format === 'json') return objects.map((object) => JSON.stringify(object)).join('\n');
  return objects
    .map((object) => `---\n${stringify(object)}`)
    .join('')
    .trimEnd();
}

/** One object, or a list as one: JSON with its lines indented, or YAML. */
export function formatObject(object: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? JSON.stringify(object, null, 2) : stringify(object).trimEnd();
}

/** Writes to standard output, with an end of line where there is text. */
export function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
}

/** A share as people read it: 33.33 %. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}
