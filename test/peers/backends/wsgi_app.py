"""What test/support/reference-backend.ts answers, as a WSGI application (for gunicorn)."""

import hashlib

BYTES = {}


def bytes_of(size):
    if size not in BYTES:
        BYTES[size] = bytes(i * 7 % 251 for i in range(1021)) * (size // 1021 + 1)
    return BYTES[size][:size]


def app(environ, start_response):
    parts = environ["PATH_INFO"].split("/")
    what, size = parts[1], int(parts[2]) if len(parts) > 2 and parts[2] else 0
    if what in ("bytes", "chunked"):
        body = bytes_of(size)
        headers = [("x-sha256", hashlib.sha256(body).hexdigest())]
        if what == "bytes":
            start_response("200 OK", [*headers, ("content-length", str(size))])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        start_response("200 OK", headers)
        return iter([body[:size // 2], body[size // 2 :]])
    if what == "post":
        digest, received = hashlib.sha256(), 0
        while piece := environ["wsgi.input"].read(65536):
            digest.update(piece)
            received += len(piece)
        body = f"{received} {digest.hexdigest()}".encode()
        start_response("200 OK", [("content-length", str(len(body)))])
        return [body]
    if what == "empty":
        start_response("204 No Content", [])
        return []
    if what == "same":
        same = environ.get("HTTP_IF_NONE_MATCH") == '"same"'
        start_response("304 Not Modified" if same else "200 OK", [("etag", '"same"')])
        return [] if same else [b"same"]
    start_response("404 Not Found", [("content-length", "0")])
    return []
