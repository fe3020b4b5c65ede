import type { TestCertificate } from './certificates.ts';

/** A Secret as kubectl writes it. */
export function secret(
  name: string,
  values: Readonly<Record<string, string>>,
  namespace = 'default',
): string {
  const data = Object.entries(values).map(
    ([key, text]) => `  ${key}: ${Buffer.from(text).toString('base64')}\n`,
  );
  return `---
apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: ${namespace}}
data:
${data.join('')}`;
}

/** A Secret with a certificate and its key. */
export function pair(name: string, { certificate, privateKey }: TestCertificate, namespace?: string): string {
  return secret(name, { 'tls.crt': certificate, 'tls.key': privateKey }, namespace);
}

/** A TLSContext with these fields, as a flow mapping without its braces. */
export function context(name: string, spec: string): string {
  return `---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: ${name}}
spec: {${spec}}
`;
}

/** A Mapping of everything to `quote:80`. */
export const quoteMapping = `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {prefix: /, rewrite: "", service: "quote:80", grpc: true, timeout_ms: 0}
`;
