/** Says whether an object with these labels is meant. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?';
const VALUE = '(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?';
const equality = new RegExp(`^(${KEY})\\s*(=|==|!=)\\s*(${VALUE})$`);
const membership = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const existence = new RegExp(`^(!?)\\s*(${KEY})$`);
const value = new RegExp(`^${VALUE}$`);

/**
 * Reads a label selector as kubectl takes it: requirements with commas between them, `a=b`, `a==b`, `a!=b`,
 * `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. Throws an Error with the requirement that it does not understand.
 * Source: Kubernetes, apimachinery, pkg/labels (a key that is absent fulfils `!=` and `notin`).
 */
export function parseLabelSelector(text: string): LabelSelector {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const requirements = parts.filter((part) => part !== '').map(parseRequirement);
  return (labels) => requirements.every((fulfilled) => fulfilled(labels));
}

function parseRequirement(text: string): LabelSelector {
  const equal = equality.exec(text);
  if (equal !== null) {
    const [, key, operator, wanted] = equal;
    return operator === '!=' ? (labels) => labels[key!] !== wanted : (labels) => labels[key!] === wanted;
  }
  const member = membership.exec(text);
  if (member !== null) {
    const [, key, operator, list] = member;
    const values = list!.split(',').map((item) => item.trim());
    if (values.every((item) => value.test(item))) {
      const has: LabelSelector = (labels) => labels[key!] !== undefined && values.includes(labels[key!]!);
      return operator === 'in' ? has : (labels) => !has(labels);
    }
  }
  const exists = existence.exec(text);
  if (exists !== null) {
    const [, not, key] = exists;
    return (labels) => Object.hasOwn(labels, key!) === (not === '');
  }
  throw new Error(`"${text}" is no requirement of a label selector; write a=b, a!=b, a in (b,c), a or !a`);
}
