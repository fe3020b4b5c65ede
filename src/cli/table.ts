import stringWidth from 'string-width';

/** A cell; numbers stand at the right. */
export type Cell = string | number;

/** Lines of a table for people: a head, one line a row, columns as wide as their widest cell. Wide characters count double. */
export function tableLines(rows: readonly Readonly<Record<string, Cell>>[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  const text = (cell: Cell | undefined) =>
    typeof cell === 'number' ? cell.toLocaleString('en-US') : (cell ?? '');
  const widths = columns.map((column) =>
    Math.max(...[column, ...rows.map((row) => text(row[column]))].map((s) => stringWidth(s))),
  );
  const right = columns.map((column) => rows.some((row) => typeof row[column] === 'number'));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - stringWidth(cell));
        return right[i] ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map((row) => line(columns.map((column) => text(row[column]))))];
}
