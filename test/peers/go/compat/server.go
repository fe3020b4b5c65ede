package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// runServer has the paths of test/support/reference-backend.ts.
func runServer() {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	say(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	server := &http.Server{Handler: http.HandlerFunc(answer), Protocols: &protocols}
	panic(server.Serve(listener))
}

func answer(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	size := 0
	if len(parts) > 2 {
		size, _ = strconv.Atoi(parts[2])
	}
	switch parts[1] {
	case "bytes":
		body := bytesOf(size)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Header().Set("X-Sha256", hash(body))
		w.Write(body)
	case "chunked":
		body := bytesOf(size)
		w.Header().Set("X-Sha256", hash(body))
		// The head goes out before the length is known.
		w.(http.Flusher).Flush()
		w.Write(body)
	case "post":
		sum := sha256.New()
		received, err := io.Copy(sum, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Got-Trailer", r.Trailer.Get("X-Sum"))
		fmt.Fprintf(w, "%d %x", received, sum.Sum(nil))
	case "empty":
		w.WriteHeader(http.StatusNoContent)
	case "same":
		w.Header().Set("Etag", `"same"`)
		if r.Header.Get("If-None-Match") == `"same"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "same")
	case "trailers":
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "with trailers")
		// Or HTTP/2 would have a content-length, and HTTP/1.1 then no place for trailers.
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "42")
	case "hints":
		w.Header().Set("Link", "</style.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hinted")
	case "upgrade":
		echo(w, r)
	default:
		http.NotFound(w, r)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "echo" {
		http.Error(w, "upgrade", http.StatusUpgradeRequired)
		return
	}
	connection, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer connection.Close()
	io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	io.Copy(connection, buffered)
}

func bytesOf(size int) []byte {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i*7 + i>>8*13)
	}
	return body
}
