/** A row of the table of issues. `{name}` is filled in from the finding. */
export interface IssueRow {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly help: string | null;
}

const error = (message: string, help: string | null = null): IssueRow => ({
  severity: 'error',
  message,
  help,
});
const warning = (message: string, help: string | null = null): IssueRow => ({
  severity: 'warning',
  message,
  help,
});

/** Every mistake that a user can make, with its sentence and its remedy. The only list of codes. */
export const issueTable = {
  // Files and documents
  'unreadable-file': error(
    'the file cannot be read: {reason}',
    'its last content stays in force until it can be read again',
  ),
  'empty-file': warning('the file {file} is empty, so nothing of it is served'),
  'yaml-syntax': error(
    'this is not valid YAML: {reason}',
    'mend it (a text with ": " in it, or that begins with * & ! % @ or a backquote, needs quotes); other documents are not affected',
  ),
  'yaml-tab': error(
    'a tab stands in the indentation',
    'YAML allows only blanks there; a tab behind a colon is fine',
  ),
  'unrendered-document': error(
    'a template was not rendered: {template}',
    'render the template (helm template, kustomize build) first, or put the text in quotes if it is meant',
  ),
  'duplicate-key': warning('the key "{key}" stands twice; the last one counts', 'remove one of them'),
  'missing-separator': error(
    '"{key}" stands twice in one document (first on line {first}), so two objects have run together',
    'put a line "---" between the two objects',
  ),
  'not-an-object': error('{found} where an object with apiVersion and kind was expected'),
  'not-a-manifest': warning('the document has no kind and is passed over'),
  'annotation-not-text': error(
    'the annotation getambassador.io/config is {found}, not text',
    'put | behind "getambassador.io/config:" and indent the lines below it',
  ),
  'annotation-ignored': warning(
    'the annotation getambassador.io/config is read from Services and Ingresses only, not from a {kind}',
    'move it to a Service, or write the Mapping as an object of its own',
  ),
  // Which object it is
  'missing-api-version': error(
    'apiVersion is missing',
    'write apiVersion: getambassador.io/v3alpha1 (or ambassador/v0 to v2)',
  ),
  'missing-kind': error('kind is missing', 'write kind: Mapping, for example'),
  'unknown-api-version': error('apiVersion "{version}" is not known', 'write {nearest}'),
  'unknown-kind': error('kind "{kind}" is not known in {version}', 'did you mean {nearest}?'),
  'missing-name': error('the {kind} has no name', 'add name (in an annotation) or metadata.name'),
  'duplicate-name': error(
    '{kind} {name} exists twice, also at {other}; the later one wins',
    'give one of them another name, or remove it',
  ),
  'duplicate-object': warning('{kind} {name} exists twice, also at {other}; the later one wins'),
  // Fields
  'missing-field': error('"{field}" is missing', 'add {field}: {example}'),
  'wrong-type': error('"{field}" must be {expected}, and here is {found}', '{remedy}'),
  'invalid-value': error('"{field}": {reason}', '{remedy}'),
  'header-not-editable': warning(
    '"{field}": {name} is about framing or the hop, so the gateway writes it itself and the edit has no effect',
    'take it out; for another host there is host_rewrite',
  ),
  'invalid-regex': error(
    '"{field}" is not a regular expression in RE2 syntax: {reason}',
    'see https://github.com/google/re2/wiki/Syntax',
  ),
  'unknown-field': warning('"{field}" is not a field of {kind} in {version} and has no effect', '{remedy}'),
  'unknown-weight-field': error(
    '"{field}" is not a field of Mapping but looks like "{nearest}", which decides who gets traffic',
    'write {nearest}: or remove the line',
  ),
  'newer-field': warning('"{field}" exists since v{since}; it is obeyed in {version} all the same'),
  'field-not-served': warning('"{field}" is known but not served yet: it has no effect'),
  'kind-not-served': warning('{kind} is known but not served yet: it has no effect'),
  'unrendered-template': error(
    '"{field}" has a template that was not rendered: {template}',
    'render the template (helm template, kustomize build) before giving it to the gateway',
  ),
  'environment-variable': warning(
    '"{field}" has {variable}, which Ambassador would replace from its environment; here it stays as it is',
    'write the value itself',
  ),
  // Mapping
  'service-path': warning(
    '"service" has a path behind the host ({path}), which has no effect',
    'use rewrite for the path',
  ),
  'service-scheme': error('"service" has the scheme "{scheme}"', 'only http:// and https:// are possible'),
  'grpc-rewrite': warning(
    'with grpc and rewrite "{rewrite}" the server gets a path without its service name and answers UNIMPLEMENTED',
    'write rewrite: "" (or the prefix itself)',
  ),
  'relative-rewrite': warning('"rewrite" is "{rewrite}", so the path sent upstream does not begin with "/"'),
  'overridden-field': warning('"{field}" has no effect beside "{winner}"'),
  'hostname-missing': error(
    'without hostname and selected by no Host this Mapping is never reached',
    'add hostname: "*" (or the host meant), or a label that a Host selects',
  ),
  'hostname-glob': warning(
    '"{field}": a star in "{value}" stands for others only as the first or the last character',
  ),
  'no-host': warning(
    'no Host covers the hostname "{hostname}", so this Mapping is never reached',
    'add a Host for it',
  ),
  'shadow-alone': error(
    'a shadow needs a Mapping to shadow, and its group has none',
    'add a Mapping with the same prefix, or remove shadow',
  ),
  'shadow-not-served': warning('shadow: mirrors are not served yet, so this Mapping gets no traffic'),
  'shadow-twice': error('the group has a shadow already: {other}'),
  'redirect-conflict': error(
    'a redirect cannot share its group with {other}',
    'give it a prefix, host or header of its own',
  ),
  'redirect-host': warning("{field} without host_redirect: true redirects to the request's own host"),
  'group-mismatch': error(
    '"{field}" differs from that of {leader}, which leads the group, so this Mapping gets no traffic',
    'make {field} the same in both',
  ),
  'weights-below-100': warning(
    'the weights of the group add up to {sum}; the other {rest} % fall through to the next matching route, or find none',
    'leave out weight on one of the Mappings, and it takes the rest',
  ),
  'weights-above-100': error(
    'the weights of the group add up to {sum}, more than 100',
    'lower a weight; until then the shares are {until}',
  ),
  'weights-rescaled': warning('the weights of the group add up to {sum} and are scaled to 100, as v0 did'),
  'namespaces-mixed': warning(
    'Mappings of the namespaces {namespaces} share this prefix, so they share its traffic',
    'use other hosts or prefixes if that is an accident, or --isolate-namespaces',
  ),
  'namespace-foreign': error(
    'the prefix belongs to namespace {owner}, so this Mapping gets no traffic',
    'use another host or prefix',
  ),
  'tls-not-served': warning('TLS to the upstream is not served yet: calls are answered 501'),
  'tls-context-missing': error(
    'tls names the TLSContext "{name}", which does not exist',
    'add the TLSContext, or remove tls',
  ),
  // Others
  'guard-not-served': warning(
    '{kind} is not served yet; the routes that it guards answer 403 (gRPC 7)',
    'remove it, or run with --unguarded to serve them without it',
  ),
  'guard-off': warning('{kind} is not served yet, and --unguarded serves the routes that it should guard'),
  'listener-not-served': warning('this Listener is not opened: {reason}'),
  'host-unreached': warning('no Listener reaches this Host'),
} as const satisfies Record<string, IssueRow>;

/** Name of an issue in every output; stable. */
export type IssueCode = keyof typeof issueTable;
