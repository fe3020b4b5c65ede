"""Calls of all four kinds with messages that are plain bytes, to the server of test/support/kinds-server.ts.

Prints one line for each kind: its name and how many messages came back.
"""

import sys

import grpc

MESSAGES = 100
MESSAGE = bytes(1000)


def same(value):
    return value


def method(make, name):
    return make("/serin.Kinds/" + name, request_serializer=same, response_deserializer=same)


def main():
    with grpc.insecure_channel(sys.argv[1]) as channel:
        unary = method(channel.unary_unary, "Unary")
        futures = [unary.future(MESSAGE, timeout=20) for _ in range(MESSAGES)]
        print("unary", sum(f.result() == MESSAGE for f in futures))
        answers = method(channel.unary_stream, "ServerStream")(MESSAGE, timeout=20)
        print("server", sum(a == MESSAGE for a in answers))
        messages = iter([MESSAGE] * MESSAGES)
        print("client", method(channel.stream_unary, "ClientStream")(messages, timeout=20).decode())
        messages = iter([MESSAGE] * MESSAGES)
        print("bidi", sum(a == MESSAGE for a in method(channel.stream_stream, "Bidi")(messages, timeout=20)))


main()
