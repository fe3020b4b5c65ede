/** A piece of a text with the number of its first line. */
export interface TextPiece {
  readonly text: string;
  /** Line of the first character in the whole text, from 1. */
  readonly line: number;
}

/** Removes a byte order mark and makes every line end a line feed. */
export function plainLines(text: string): string {
  const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  return body.includes('\r') ? body.replace(/\r\n?/g, '\n') : body;
}

/** Number of line feeds in `text` between `from` and `to`. */
export function countLines(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = text.indexOf('\n', from); i !== -1 && i < to; i = text.indexOf('\n', i + 1)) count++;
  return count;
}
