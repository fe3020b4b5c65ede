import { cpus } from 'node:os';

/** One cell of the table. */
export interface Measurement {
  readonly scenario: string;
  readonly proxy: string;
  /** Microseconds of CPU a call, the least of all rounds; null = not measured, `note` says why. */
  readonly cpu: number | null;
  readonly rate: number | null;
  /** Milliseconds. */
  readonly p99: number | null;
  readonly note: string;
}

/** The measurements as Markdown. */
export function markdown(
  all: readonly Measurement[],
  missing: readonly string[],
  more: readonly string[],
): string {
  const proxies = [...new Set(all.map((m) => m.proxy))];
  const scenarios = [...new Set(all.map((m) => m.scenario))];
  const lines = [
    '# Results of `npm run bench`',
    '',
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}. Each proxy alone on core 0, load and`,
    'backends on core 1; µs of CPU (user + system, all processes of the proxy) a call, calls a second, the best of all rounds.',
    'Serin with everything that is on by default. The TCP row moves the bytes to one backend and is the floor. Load and backends',
    'share a core, so rates are lower bounds; compare numbers of one run only.',
    '',
    `| scenario | ${proxies.join(' | ')} | Envoy/Serin |`,
    `|---|${proxies.map(() => '---|').join('')}---|`,
  ];
  for (const scenario of scenarios) {
    const of = (proxy: string) => all.find((m) => m.scenario === scenario && m.proxy === proxy);
    const [serin, envoy] = [of('Serin')?.cpu, of('Envoy')?.cpu];
    const ratio = serin && envoy ? `**${(envoy / serin).toFixed(1)} ×**` : '–';
    lines.push(`| ${scenario} | ${proxies.map((proxy) => cell(of(proxy))).join(' | ')} | ${ratio} |`);
  }
  for (const line of more) lines.push('', line);
  if (missing.length > 0) lines.push('', '**Missing in this run:**', ...missing.map((m) => `- ${m}`));
  return `${lines.join('\n')}\n`;
}

function cell(m: Measurement | undefined): string {
  if (m === undefined || m.cpu === null) return m?.note || '–';
  const p99 = m.p99 === null ? '' : `, p99 ${m.p99.toFixed(1)} ms`;
  return `${m.cpu.toFixed(1)} µs (${((m.rate ?? 0) / 1000).toFixed(1)} k/s${p99})`;
}
