"""Python's websockets: `websockets_client.py URL CASES CA`. Prints a line of JSON for each case.

Of its two interfaces the one without threads: Python's ssl loses bytes where one thread reads while another writes.
"""

import asyncio
import json
import ssl
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

url, cases, ca = sys.argv[1:]
lengths = [0, 1, 125, 126, 65535, 65536, 16 * 1024 * 1024]


def check(what, seen, wanted):
    if seen != wanted:
        raise AssertionError(f"{what}: {str(seen)[:80]}, not {str(wanted)[:80]}")


def opened(compression=None):
    context = ssl.create_default_context(cafile=ca) if url.startswith("wss") else None
    return connect(url, ssl=context, compression=compression, max_size=None, proxy=None)


def body_of(length):
    return bytes(i * 7 % 251 for i in range(1000)) * (length // 1000) + b"x" * (length % 1000)


async def echoes(socket):
    for length in lengths:
        await socket.send(body_of(length))
        check(f"{length} bytes", await socket.recv() == body_of(length), True)
        text = "é" * (length // 2) + "x" * (length % 2)
        await socket.send(text)
        check(f"{length} bytes of text", await socket.recv() == text, True)


async def messages():
    async with opened() as socket:
        await echoes(socket)


async def deflate():
    async with opened("deflate") as socket:
        check("extension", [type(one).__name__ for one in socket.protocol.extensions], ["PerMessageDeflate"])
        await echoes(socket)


async def fragments():
    async with opened() as socket:
        pieces = [body_of(length) for length in (1, 125, 0, 126, 70_000, 1)]
        await socket.send(pieces)
        check("fragments", await socket.recv() == b"".join(pieces), True)
        await socket.send(["ab", "", "cdé"])
        check("fragments of text", await socket.recv(), "abcdé")


async def pings():
    async with opened() as socket:
        pongs = [await socket.ping(bytes([n]) * n) for n in (0, 1, 125)]
        await socket.send("between")
        await asyncio.wait_for(asyncio.gather(*pongs), 10)
        check("message", await socket.recv(), "between")


async def close_codes():
    for code in (1000, 1001, 3000, 4999):
        async with opened() as socket:
            await socket.close(code, "over")
            check("code", (socket.close_code, socket.close_reason), (code, "over"))
        async with opened() as socket:
            await socket.send(f"close {code}")
            try:
                await socket.recv()
            except ConnectionClosed as closed:
                check("code", (closed.rcvd.code, closed.rcvd.reason), (code, "bye"))


async def invalid_utf8():
    async with opened() as socket:
        for text in (b"\xff\xfe", b"\xc3", b"a\x80b" * 1000, b"\xed\xa0\x80"):
            await socket.send(text, text=True)
            check("text", await socket.recv(decode=False), text)


tests = {
    "messages of 0 bytes to 16 MiB": messages,
    "fragments": fragments,
    "pings": pings,
    "close codes": close_codes,
    "permessage-deflate": deflate,
    "invalid UTF-8": invalid_utf8,
}
print(json.dumps({"version": websockets.__version__}))
for name in cases.split(","):
    why = ""
    try:
        asyncio.run(tests[name]())
    except Exception as error:  # noqa: BLE001 what went wrong is the outcome
        why = f"{type(error).__name__} {error}"
    print(json.dumps({"case": name, "why": why}))
