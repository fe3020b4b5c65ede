import type { MetricDefinition } from './catalog.ts';

/** `text`: Prometheus' classic format 0.0.4. `openmetrics`: OpenMetrics 1.0, only for those who ask for it. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** Content type of each format. */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** One value, or one histogram, with its labels. */
export type Sample =
  | { readonly labels: Readonly<Record<string, string>>; readonly value: number }
  | {
      readonly labels: Readonly<Record<string, string>>;
      /** Ascending upper bounds in seconds, without +Inf, and how many values lie at or below each. */
      readonly bounds: readonly number[];
      readonly cumulative: readonly number[];
      readonly count: number;
      /** Seconds. */
      readonly sum: number;
    };

/** A metric with all its samples. */
export interface MetricFamily {
  readonly metric: MetricDefinition;
  readonly samples: readonly Sample[];
}

/** Writes the families down. Each has its TYPE once and its samples together; the classic format has no exemplars. */
export function render(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const out: string[] = [];
  for (const { metric, samples } of families) {
    const sampleName = metric.type === 'counter' ? `${metric.name}_total` : metric.name;
    const familyName = format === 'text' ? sampleName : metric.name;
    out.push(
      `# HELP ${familyName} ${escapeHelp(metric.help, format)}\n# TYPE ${familyName} ${metric.type}\n`,
    );
    for (const sample of samples) {
      const labels = labelText(sample.labels);
      if ('value' in sample) out.push(`${sampleName}${braces(labels)} ${number(sample.value)}\n`);
      else out.push(histogramText(metric.name, labels, sample, format));
    }
  }
  if (format === 'openmetrics') out.push('# EOF\n');
  return out.join('');
}

/** Which format an Accept header asks for: OpenMetrics only when it is named, with at least the weight of plain text. */
export function chooseFormat(accept: string | undefined): ExpositionFormat {
  let openmetrics = 0;
  let text = 0;
  for (const part of (accept ?? '').split(',')) {
    const [type, ...params] = part.split(';').map((s) => s.trim().toLowerCase());
    const weight = Number(params.find((p) => p.startsWith('q='))?.slice(2) ?? 1);
    const version = params.find((p) => p.startsWith('version='))?.slice(8);
    if (type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0')) {
      openmetrics = Math.max(openmetrics, weight);
    }
    if (type === 'text/plain') text = Math.max(text, weight);
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text';
}

function histogramText(
  name: string,
  labels: string,
  sample: Extract<Sample, { bounds: readonly number[] }>,
  format: ExpositionFormat,
): string {
  const lead = labels === '' ? '' : `${labels},`;
  let text = '';
  sample.bounds.forEach((bound, i) => {
    const le = format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
    text += `${name}_bucket{${lead}le="${le}"} ${number(sample.cumulative[i]!)}\n`;
  });
  text += `${name}_bucket{${lead}le="+Inf"} ${number(sample.count)}\n`;
  text += `${name}_sum${braces(labels)} ${number(sample.sum)}\n`;
  return `${text}${name}_count${braces(labels)} ${number(sample.count)}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`)
    .join(',');
}

function escapeHelp(help: string, format: ExpositionFormat): string {
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? text.replaceAll('"', '\\"') : text;
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
