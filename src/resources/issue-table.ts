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
    '"{field}" is not a field of {kind} but looks like "{nearest}", which decides who gets traffic',
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
    '"{field}" differs from that of {leader}, which leads the group, so this one gets no traffic',
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
  'tcp-weights-rescaled': warning(
    'the weights of the group add up to {sum} and are scaled to 100: a connection has no next route to fall through to',
    'leave out weight on one of the TCPMappings, and it takes the rest',
  ),
  'weights-rescaled': warning('the weights of the group add up to {sum} and are scaled to 100, as v0 did'),
  'namespaces-mixed': warning(
    '{kind}s of the namespaces {namespaces} share this {what}, so they share its traffic',
    'use other hosts, prefixes or ports if that is an accident, or --isolate-namespaces',
  ),
  'namespace-foreign': error(
    'the {what} belongs to namespace {owner}, so this {kind} gets no traffic',
    'use another host or {what}',
  ),
  'tls-context-missing': error(
    'tls names the TLSContext "{name}", which does not exist',
    'add the TLSContext, or remove tls',
  ),
  'tls-beside-http': warning(
    '"service" says http:// and "tls" says TLS; TLS is spoken',
    'remove tls, or write https://',
  ),
  'upstream-not-verified': warning(
    'the certificate of {service} is not verified, so anyone in between can read and answer the calls',
    'name a TLSContext with ca_secret in tls, or run with --verify-upstreams',
  ),
  // TLS
  'tls-version-old': warning(
    '"{field}" allows TLS {version}, which is not spoken any more (RFC 8996); v1.2 is the lowest',
    'write v1.2',
  ),
  'alpn-ignored': warning(
    '"alpn_protocols" has {protocol}, which is not spoken',
    'write h2, http/1.1 or both',
  ),
  'acme-not-served': warning(
    'certificates are not obtained by ACME here',
    'let cert-manager, for one, keep the Secret that tlsSecret names, and write acmeProvider: {authority: none}',
  ),
  'secret-not-base64': error(
    '"data.{key}" is not base64',
    'write it under stringData as it is, or encode it: base64 -w0 FILE',
  ),
  'secret-missing': error(
    'the Secret {name} does not exist in namespace {namespace}',
    'add it (kubectl create secret tls {name} --cert=FILE --key=FILE), or mend the name',
  ),
  'secret-incomplete': error('the Secret {name} has no {key}', 'add {key}'),
  'certificate-file': error(
    'the file {file} cannot be read: {reason}',
    'mend the path or the file; it is followed',
  ),
  'certificate-unreadable': error(
    '{place} is not a certificate in PEM form: {reason}',
    'it has to begin with -----BEGIN CERTIFICATE-----; openssl x509 -in FILE -noout -text shows what it is',
  ),
  'private-key-unreadable': error(
    '{place} is not a private key in PEM form without a passphrase: {reason}',
    'openssl pkey -in FILE -check says what is wrong with it',
  ),
  'certificate-key-mismatch': error(
    '{place}: the private key does not belong to the certificate, which has to be the first of its chain',
    'openssl pkey -in KEY -pubout and openssl x509 -in CERT -pubkey -noout have to print the same',
  ),
  'certificate-expired': warning(
    'the certificate in {place} expired on {date}; it is shown all the same',
    'renew it',
  ),
  'certificate-not-yet-valid': warning(
    'the certificate in {place} is valid from {date} on only; it is shown all the same',
    'see whether a clock is wrong',
  ),
  'certificate-names': warning(
    'the certificate in {place} is for {names}, not for {hostname}, so clients will refuse it',
    'use a certificate for {hostname}',
  ),
  'certificate-missing': error(
    'TLS is to be terminated for {hostname}, and there is no certificate',
    'name a Secret with tls.crt and tls.key',
  ),
  'certificate-authority-missing': error(
    'client certificates are required, and there is no authority that they could be verified against, so TLS for {hostname} is closed',
    'name a Secret with the certificate of the authority in ca_secret',
  ),
  'crl-unreadable': error(
    '{place} is not a list of revoked certificates in PEM form: {reason}',
    'it has to begin with -----BEGIN X509 CRL-----',
  ),
  'cipher-suite-unknown': error(
    '"{field}" has {name}, which is not known here',
    'write names as openssl ciphers -v prints them',
  ),
  'host-context-missing': error(
    'tlsContext names the TLSContext "{name}", which does not exist',
    'add the TLSContext, or remove tlsContext',
  ),
  'host-context-secret': error(
    'tlsSecret and the TLSContext "{name}" name different Secrets, so TLS for this Host is closed',
    'remove secret from the TLSContext, or tlsSecret here',
  ),
  'host-context-hosts': warning(
    'the TLSContext "{name}" is for {hosts}, not for {hostname}; it is used all the same',
    'add {hostname} to its hosts',
  ),
  'tls-without-certificate': warning(
    'without tlsSecret TLS is not terminated for this Host, and tls has no effect',
    'add tlsSecret with the name of a Secret',
  ),
  'tls-hostname-taken': warning(
    'TLS for {hostname} is terminated with {other} already, so this has no effect',
  ),
  'ingress-rules': warning(
    'the rules of an Ingress are not served yet, only its annotation getambassador.io/config is read',
    'write a Mapping for each rule',
  ),
  // Canary
  'canary-conflict': error(
    'the Canary {older} divides the same and is older, so this one has no effect',
    'remove one of them',
  ),
  'canary-foreign': error(
    'it is of namespace {namespace} and may divide nothing of another one, so it has no effect',
    'move it to the namespace of what it divides, or start without --isolate-namespaces',
  ),
  'canary-service-missing': warning(
    'there is no Service {service}, so it has no effect yet',
    'apply the Service, or mend the name (NAME.NAMESPACE for another namespace)',
  ),
  'canary-mapping-missing': warning(
    'no Mapping {mapping} is served, so it has no effect yet',
    'apply the Mapping, or mend the name (NAME.NAMESPACE for another namespace)',
  ),
  // Others
  'address-rules-broken': warning(
    'it should say who may call and cannot be read, so nobody may: every call is answered with 403 (gRPC 7)',
    'mend it; until then that is safer than to let everybody call',
  ),
  'guard-not-served': warning(
    '{kind} is not served yet; the routes that it guards answer 403 (gRPC 7)',
    'remove it, or run with --unguarded to serve them without it',
  ),
  'guard-off': warning('{kind} is not served yet, and --unguarded serves the routes that it should guard'),
  'listener-without-tcp': warning(
    'this Listener is not opened: it has {stack} and no HTTP, and no TCPMapping names port {port}',
    'add a TCPMapping with port: {port}, or remove the Listener',
  ),
  'listener-taken': warning(
    'port {port} belongs to {mapping} as a whole, so nothing of HTTP is served on it',
    'give the TCPMapping a port of its own, or a host (its server name in TLS)',
  ),
  'tcp-taken': error(
    '{other} takes the connections to {address}:{port}{what} already, so {mapping} gets none',
    'write address in both or in neither, so that they divide them; or give one another port, address or host',
  ),
  'listener-not-served': warning('this Listener is not opened: {reason}'),
  'host-unreached': warning('no Listener reaches this Host'),
} as const satisfies Record<string, IssueRow>;

/** Name of an issue in every output; stable. */
export type IssueCode = keyof typeof issueTable;
