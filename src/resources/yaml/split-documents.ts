import { countLines, type TextPiece } from '../../lib/text-lines.ts';

const blankOrComment = /^(?:[ \t]*(?:#.*)?(?:\n|$))*$/;

/**
 * Cuts a text into its YAML documents. A line that begins with `---` followed by a blank or the end of the line
 * starts a document and one with `...` ends one; such a line cannot be inside a scalar (YAML 1.2, 9.1.2), so the
 * cut is right even where a document is broken, and one bad document cannot hurt another. Documents with nothing
 * but comments are left out.
 */
export function splitDocuments(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let start = 0;
  let line = 1;
  const cut = (end: number, next: number): void => {
    const piece = text.slice(start, end);
    if (!isEmptyDocument(piece)) pieces.push({ text: piece, line });
    line += countLines(text, start, next);
    start = next;
  };
  for (let at = 0; at !== -1 && at < text.length; ) {
    if (isMark(text, at, '---')) cut(at, at);
    else if (isMark(text, at, '...')) {
      const end = text.indexOf('\n', at);
      cut(at, end === -1 ? text.length : end + 1);
    }
    const end = text.indexOf('\n', at);
    at = end === -1 ? -1 : end + 1;
  }
  cut(text.length, text.length);
  return pieces;
}

function isMark(text: string, at: number, mark: string): boolean {
  if (!text.startsWith(mark, at)) return false;
  const next = text[at + 3];
  return next === undefined || next === '\n' || next === ' ' || next === '\t';
}

function isEmptyDocument(piece: string): boolean {
  // Most documents show in their first line that they are not empty; the expression is for the rest.
  const body = piece.startsWith('---') ? piece.slice(3) : piece;
  const first = body.trimStart();
  if (first === '') return true;
  if (first[0] !== '#' && first[0] !== '%') return false;
  return blankOrComment.test(body.replace(/^%.*$/gm, ''));
}
