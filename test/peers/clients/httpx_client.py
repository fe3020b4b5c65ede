"""httpx over HTTP/1.1 or HTTP/2: `httpx_client.py 1|2 BASE CASES SIZES CA`. Prints a line of JSON for each case."""

import hashlib
import json
import sys

import httpx

protocol, base, cases, sizes, ca = sys.argv[1:]
sizes = [int(size) for size in sizes.split(",")]
client = httpx.Client(http1=protocol == "1", http2=protocol == "2", verify=ca if base.startswith("https") else True, timeout=30, trust_env=False)


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def check(what, seen, wanted):
    if seen != wanted:
        raise AssertionError(f"{what}: {seen!r}, not {wanted!r}")


def call(method, path, **options):
    response = client.request(method, base + path, **options)
    check("version", response.http_version, "HTTP/2" if protocol == "2" else "HTTP/1.1")
    return response


def body_of(size):
    return (b"The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


def gets(kind):
    for size in sizes:
        response = call("GET", f"/{kind}/{size}")
        check("status", response.status_code, 200)
        check("length", len(response.content), size)
        check("hash", sha256(response.content), response.headers["x-sha256"])


def posts(with_length):
    for size in sizes:
        body = body_of(size)
        pieces = (body[at : at + 50_000] for at in range(0, size, 50_000))
        response = call("POST", "/post", content=body if with_length else pieces)
        check("status", response.status_code, 200)
        check("what arrived", response.text, f"{size} {sha256(body)}")


def heads():
    for size in sizes:
        response = call("HEAD", f"/bytes/{size}")
        check("content-length", response.headers["content-length"], str(size))
        check("body", response.content, b"")


def empty():
    response = call("GET", "/empty")
    check("status", response.status_code, 204)
    check("body", response.content, b"")


def same():
    etag = call("GET", "/same").headers["etag"]
    response = call("GET", "/same", headers={"if-none-match": etag})
    check("status", response.status_code, 304)
    check("body", response.content, b"")


def hints():
    # It passes over what comes before the answer.
    check("body", call("GET", "/hints").text, "hinted")


def trailers():
    # It has no trailers; they must do no harm.
    check("body", call("GET", "/trailers").text, "with trailers")


tests = {
    "GET": lambda: gets("bytes"),
    "GET without length": lambda: gets("chunked"),
    "POST": lambda: posts(True),
    "POST without length": lambda: posts(False),
    "HEAD": heads,
    "204": empty,
    "304": same,
    "103 (passed over)": hints,
    "answer trailers (passed over)": trailers,
}
print(json.dumps({"version": httpx.__version__}))
for name in cases.split(","):
    why = ""
    try:
        tests[name]()
    except Exception as error:  # noqa: BLE001 what went wrong is the outcome
        why = f"{type(error).__name__} {error}"
    print(json.dumps({"case": name, "why": why}))
