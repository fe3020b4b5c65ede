/** Samples of a scrape: name with labels → value. */
export async function scrape(admin: string): Promise<Map<string, number>> {
  const response = await fetch(`${admin}/metrics`);
  if (!response.ok) throw new Error(`/metrics: ${response.status}`);
  const samples = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

/** Sum of all samples of a metric whose labels hold every one of these texts. */
export function sum(samples: ReadonlyMap<string, number>, metric: string, ...labels: string[]): number {
  let total = 0;
  for (const [name, value] of samples) {
    if (name.split('{')[0] === metric && labels.every((label) => name.includes(label))) total += value;
  }
  return total;
}

/** Samples that may never decrease: counters, and all of a histogram. */
export function monotone(samples: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...samples].filter(([name]) => /^\w+(_total|_bucket|_count|_sum)(\{|$)/.test(name)));
}
