import { describe, expect, it } from 'vitest';
import { answerType, grpcContentType, grpcWebContentType, grpcWebType } from './content-type.ts';

describe('the Content-Type of gRPC-Web', () => {
  it.each([
    ['application/grpc-web', false, '', 'application/grpc'],
    ['application/grpc-web+proto', false, '+proto', 'application/grpc+proto'],
    ['application/grpc-web+json; charset=utf-8', false, '+json', 'application/grpc+json'],
    ['application/grpc-web-text', true, '', 'application/grpc'],
    ['application/grpc-web-text+proto', true, '+proto', 'application/grpc+proto'],
    ['application/grpc-web-text-base64', true, '', 'application/grpc'],
    ['Application/gRPC-Web-Text+Proto', true, '+proto', 'application/grpc+proto'],
    ['application/grpc-web ;x', false, '', 'application/grpc'],
  ])('%s', (value, text, suffix, grpc) => {
    expect(grpcWebType(value)).toEqual({ text, suffix });
    expect(grpcContentType(grpcWebType(value)!)).toBe(grpc);
  });

  it.each([
    ...['', 'application/grpc', 'application/grpc+proto', 'application/grpc-webby', 'application/grpc-web+'],
    ...['application/grpc-web-textual', 'application/grpc-web/x', 'x application/grpc-web', 'text/plain'],
    ...['application/grpc-web+proto x', 'application/grpc-web, application/grpc-web'],
  ])('%j is none', (value) => expect(grpcWebType(value)).toBeNull());
});

describe('the answer', () => {
  it.each([
    ['application/grpc-web-text+proto', 'application/grpc-web-text', 'application/grpc-web-text+proto'],
    ['application/grpc-web+proto', 'application/grpc-web-text', 'application/grpc-web-text+proto'],
    ['application/grpc-web-text', 'text/html, application/grpc-web+json;q=0.5', 'application/grpc-web+json'],
    ['application/grpc-web-text', '*/*', 'application/grpc-web-text'],
    ['application/grpc-web', '', 'application/grpc-web'],
  ])('to %s with Accept: %s is %s', (request, accept, answer) => {
    expect(grpcWebContentType(answerType(grpcWebType(request)!, accept))).toBe(answer);
  });
});
