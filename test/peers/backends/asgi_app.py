"""What test/support/reference-backend.ts answers, as an ASGI application (for uvicorn), and a WebSocket that echoes."""

import hashlib

from wsgi_app import bytes_of


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        return await echo(receive, send)
    if scope["type"] != "http":
        return None

    async def answer(status, headers, *pieces):
        fields = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    parts = scope["path"].split("/")
    what, size = parts[1], int(parts[2]) if len(parts) > 2 and parts[2] else 0
    if what in ("bytes", "chunked"):
        body = bytes_of(size)
        headers = [("x-sha256", hashlib.sha256(body).hexdigest())]
        if what == "bytes":
            headers.append(("content-length", str(size)))
        return await answer(200, headers, body[: size // 2], body[size // 2 :])
    if what == "post":
        digest, received, more = hashlib.sha256(), 0, True
        while more:
            message = await receive()
            digest.update(message.get("body", b""))
            received += len(message.get("body", b""))
            more = message.get("more_body", False)
        return await answer(200, [], f"{received} {digest.hexdigest()}".encode())
    if what == "empty":
        return await answer(204, [])
    if what == "same":
        same = (b"if-none-match", b'"same"') in scope["headers"]
        return await answer(304 if same else 200, [("etag", '"same"')], b"" if same else b"same")
    return await answer(404, [("content-length", "0")])


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        message["type"] = "websocket.send"
        await send(message)
