import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AskedRequest, type Explanation, explainRequest, indexSnapshot } from '../explain-request.ts';
import { loadManifests, type ManifestOptions } from '../load-manifests.ts';
import { collect, failCall, manifestCommand } from '../manifest-command.ts';
import { formatObjects, formatTable, type OutputFormat, percent, print } from '../output.ts';

/** `serin explain`: what becomes of a request, with its shares after fall-through. */
export function explainCommand(): Command {
  const example =
    "serin explain examples/hello-grpc --request 'POST /helloworld.Greeter/SayHello' --header 'host: example.org'";
  return manifestCommand('explain', 'say which route a request takes and how it is divided', example)
    .option('--request <line>', "method and path: 'POST /package.Service/Method'", parseRequestLine)
    .option('--header <line>', "a header of the request, 'name: value'; repeatable", collect)
    .addOption(
      new Option('--scheme <scheme>', 'how the request comes').choices(['http', 'https']).default('https'),
    )
    .option(
      '--requests <file>',
      'JSON lines {"method","host","path","headers"}: one answer a line (- for standard input)',
    )
    .action(explain);
}

interface ExplainOptions extends ManifestOptions {
  readonly output: OutputFormat;
  readonly request?: { readonly method: string; readonly path: string };
  readonly header?: readonly string[];
  readonly scheme: 'http' | 'https';
  readonly requests?: string;
}

async function explain(paths: readonly string[], options: ExplainOptions): Promise<void> {
  try {
    const asked = readRequests(options);
    const { snapshot } = await loadManifests(paths, options);
    const index = indexSnapshot(snapshot);
    const answers = asked.map((request) => explainRequest(index, request, snapshot.http));
    if (options.requests !== undefined)
      print(formatObjects(answers, options.output === 'yaml' ? 'yaml' : 'json'));
    else if (options.output === 'table') print(answers.map(formatExplanation).join('\n\n'));
    else print(formatObjects(answers, options.output));
  } catch (error) {
    failCall(error);
  }
}

function readRequests({ request, header, scheme, requests }: ExplainOptions): AskedRequest[] {
  if (requests !== undefined) {
    const text = readFileSync(requests === '-' ? 0 : requests, 'utf8');
    return text
      .split('\n')
      .flatMap((line, index) => (line.trim() === '' ? [] : [parseJsonRequest(line, index + 1, scheme)]));
  }
  if (request === undefined) throw new Error("explain needs --request 'METHOD /path' or --requests FILE");
  const headers: Record<string, string> = {};
  for (const line of header ?? []) {
    const colon = line.indexOf(':', 1);
    if (colon === -1) throw new Error(`--header "${line}" is not 'name: value'`);
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  const { host, ':authority': authority, ...rest } = headers;
  return [{ ...request, host: authority ?? host ?? 'localhost', headers: rest, scheme }];
}

function parseRequestLine(line: string): { method: string; path: string } {
  const parts = /^([A-Za-z]+)\s+(\S+)(?:\s+HTTP\/[\d.]+)?$/.exec(line.trim());
  if (parts === null) throw new InvalidArgumentError("It has to be 'METHOD /path'.");
  return { method: parts[1]!, path: parts[2]! };
}

function parseJsonRequest(line: string, number: number, scheme: 'http' | 'https'): AskedRequest {
  let value: Partial<Record<keyof AskedRequest, unknown>>;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`line ${number} of the requests is not JSON`);
  }
  if (typeof value?.path !== 'string') throw new Error(`line ${number} of the requests has no "path"`);
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries((value.headers ?? {}) as Record<string, unknown>))
    headers[name.toLowerCase()] = String(text);
  return {
    method: String(value.method ?? 'GET'),
    host: String(value.host ?? headers.host ?? 'localhost'),
    path: value.path,
    headers,
    scheme: value.scheme === 'http' || value.scheme === 'https' ? value.scheme : scheme,
  };
}

function formatExplanation(answer: Explanation): string {
  const lines = [`route    ${answer.route ?? 'none'}`];
  if (answer.virtualHost !== undefined) lines.push(`host     ${answer.virtualHost}`);
  if (answer.clients !== undefined) lines.push(`clients  ${answer.clients}`);
  if (answer.blocked !== undefined) lines.push(`blocked  ${answer.blocked}`);
  if (answer.redirect !== undefined)
    lines.push(`redirect ${answer.redirect.status} ${answer.redirect.location}`);
  if (answer.rewrite !== null) lines.push(`rewrite  ${answer.rewrite}`);
  if (answer.note !== undefined) lines.push(`note     ${answer.note}`);
  if (answer.backends.length > 0) {
    const rows = answer.backends.map(({ share, service, role, mapping, answer: own }) => {
      const target =
        service ??
        (own === undefined
          ? 'no route (404, gRPC 12)'
          : `${own.status} (gRPC ${own.grpcStatus}): ${own.message}`);
      return [percent(share), role ?? '', mapping ?? '', target];
    });
    lines.push(formatTable(['SHARE', 'ROLE', 'MAPPING', 'SERVICE'], rows));
  }
  return lines.join('\n');
}
