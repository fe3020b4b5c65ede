/** What the system's resolver is told about names that are not fully qualified. */
export interface SearchRules {
  /** Domains that are tried behind a short name, in order. */
  readonly search: readonly string[];
  /** A name with at least so many dots is tried as it stands first. */
  readonly ndots: number;
}

/** Reads the lines of /etc/resolv.conf that concern names; see resolv.conf(5). The last `search` or `domain` counts. */
export function parseResolvConf(text: string): SearchRules {
  let search: string[] = [];
  let ndots = 1;
  for (const raw of text.split('\n')) {
    const [keyword, ...words] = raw
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'search') search = words;
    if (keyword === 'domain') search = words.slice(0, 1);
    if (keyword !== 'options') continue;
    for (const word of words) {
      const value = /^ndots:(\d+)$/.exec(word)?.[1];
      if (value !== undefined) ndots = Math.min(15, Number(value));
    }
  }
  return { search, ndots };
}

/** The names to ask for, in order. A name that ends in a dot is asked for as it stands only. */
export function candidateNames(name: string, rules: SearchRules): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const searched = rules.search.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  return dots >= rules.ndots ? [name, ...searched] : [...searched, name];
}

/** Addresses of a name in the text of a hosts file, in its order; see hosts(5). Letter case does not count. */
export function lookupHosts(text: string, name: string): string[] {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  const found: string[] = [];
  for (const raw of text.split('\n')) {
    const [address, ...names] = raw.replace(/#.*$/, '').trim().split(/\s+/);
    if (address && names.some((n) => n.toLowerCase() === wanted)) found.push(address);
  }
  return found;
}
