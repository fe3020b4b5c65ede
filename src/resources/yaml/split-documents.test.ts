import { expect, test } from 'vitest';
import { splitDocuments } from './split-documents.ts';

test('documents are cut at --- with their lines, also with a comment behind it', () => {
  expect(splitDocuments('a: 1\n--- # second\nb: 2\n---\n')).toEqual([
    { text: 'a: 1\n', line: 1 },
    { text: '--- # second\nb: 2\n', line: 2 },
  ]);
});

test('--- inside a line or with letters behind it cuts nothing', () => {
  expect(splitDocuments('a: |\n  ---\n  b\nc: 1\n')).toHaveLength(1);
  expect(splitDocuments('---x: 1\n')).toHaveLength(1);
});

test('empty documents, comments, directives and an end mark are passed over', () => {
  expect(splitDocuments('---\n# kind: Mapping\n---\n---\nname: a\n---\n...\n')).toEqual([
    { text: '---\nname: a\n', line: 4 },
  ]);
  expect(splitDocuments('%YAML 1.1\n---\na: 1\n...\nb: 2\n')).toEqual([
    { text: '---\na: 1\n', line: 2 },
    { text: 'b: 2\n', line: 5 },
  ]);
  expect(splitDocuments(' \n\n')).toEqual([]);
});
