/** What a gRPC-Web request says of itself by its Content-Type (PROTOCOL-WEB.md, "Content-Type"). */
export interface GrpcWebType {
  /** The body is base64. */
  readonly text: boolean;
  /** `+proto`, `+json`, `+thrift` and the like; '' when it does not say. */
  readonly suffix: string;
}

const mediaType = /^application\/grpc-web(-text(?:-base64)?)?(\+[!#$&^_.+0-9a-z-]+)?[ \t]*(?:;.*)?$/i;

/**
 * Reads a Content-Type; null when it is not one of gRPC-Web. Media types have no case (RFC 9110 8.3.1); parameters mean
 * nothing. `application/grpc` is not among them.
 */
export function grpcWebType(value: string): GrpcWebType | null {
  // Almost all that is asked is something else.
  if (value.length < 20) return null;
  const match = mediaType.exec(value);
  if (match === null) return null;
  return { text: match[1] !== undefined, suffix: (match[2] ?? '').toLowerCase() };
}

/** Content-Type of the gRPC request that it becomes. */
export function grpcContentType({ suffix }: GrpcWebType): string {
  return `application/grpc${suffix}`;
}

/**
 * How the answer is to be written: as text when Accept says so ("Text-encoded (response) streams"), as the request when
 * it names neither form. Weights are not looked at: clients name one. @param accept all of its lines, '' = none.
 */
export function answerType(request: GrpcWebType, accept: string): GrpcWebType {
  for (const member of accept.split(',')) {
    const type = grpcWebType(member.trim());
    if (type !== null) return { text: type.text, suffix: type.suffix === '' ? request.suffix : type.suffix };
  }
  return request;
}

/** Content-Type of the answer. */
export function grpcWebContentType({ text, suffix }: GrpcWebType): string {
  return `application/grpc-web${text ? '-text' : ''}${suffix}`;
}
