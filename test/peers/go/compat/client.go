package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"runtime"
	"strconv"
	"strings"
)

type client struct {
	http  *http.Client
	base  string
	major int
	sizes []int
}

func runClient(protocol, base, cases, sizes, ca string) {
	var protocols http.Protocols
	secure := strings.HasPrefix(base, "https:")
	protocols.SetHTTP1(protocol == "1")
	protocols.SetHTTP2(protocol == "2" && secure)
	protocols.SetUnencryptedHTTP2(protocol == "2" && !secure)
	transport := &http.Transport{Protocols: &protocols, DisableCompression: true}
	if secure {
		pem, err := os.ReadFile(ca)
		if err != nil {
			panic(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	c := &client{http: &http.Client{Transport: transport}, base: base}
	c.major, _ = strconv.Atoi(protocol)
	for _, size := range strings.Split(sizes, ",") {
		n, _ := strconv.Atoi(size)
		c.sizes = append(c.sizes, n)
	}
	tests := map[string]func() error{
		"GET":                  func() error { return c.gets("bytes") },
		"GET without length":   func() error { return c.gets("chunked") },
		"POST":                 func() error { return c.posts(true, nil) },
		"POST without length":  func() error { return c.posts(false, nil) },
		"HEAD":                 c.heads,
		"204":                  c.empty,
		"304":                  c.same,
		"answer trailers":      c.answerTrailers,
		"request trailers":     c.requestTrailers,
		"103":                  c.hints,
		"Expect: 100-continue": func() error { return c.posts(true, http.Header{"Expect": {"100-continue"}}) },
		"Upgrade":              c.upgrade,
	}
	say(map[string]string{"version": strings.TrimPrefix(runtime.Version(), "go")})
	for _, name := range strings.Split(cases, ",") {
		why := ""
		if test := tests[name]; test == nil {
			why = "no such case"
		} else if err := test(); err != nil {
			why = err.Error()
		}
		say(map[string]string{"case": name, "why": why})
	}
}

// call makes a call and reads the answer to its end, so that its trailers are there and its connection is used again.
func (c *client) call(request *http.Request) (*http.Response, []byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, err
	}
	return response, body, check("version", response.ProtoMajor, c.major)
}

func (c *client) request(method, path string, body io.Reader) *http.Request {
	request, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		panic(err)
	}
	return request
}

func (c *client) gets(kind string) error {
	for _, size := range c.sizes {
		response, body, err := c.call(c.request("GET", fmt.Sprintf("/%s/%d", kind, size), nil))
		if err != nil {
			return err
		}
		if err := errors.Join(
			check("status", response.StatusCode, 200),
			check("length", len(body), size),
			check("hash", hash(body), response.Header.Get("X-Sha256")),
		); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) posts(withLength bool, header http.Header) error {
	for _, size := range c.sizes {
		body := bytes.Repeat([]byte("fox "), size/4+1)[:size]
		var reader io.Reader = bytes.NewReader(body)
		if !withLength {
			// A reader of no known kind, whose length net/http cannot ask for.
			reader = io.MultiReader(reader)
		}
		request := c.request("POST", "/post", reader)
		for name, values := range header {
			request.Header[name] = values
		}
		response, answer, err := c.call(request)
		if err != nil {
			return err
		}
		if err := errors.Join(
			check("status", response.StatusCode, 200),
			check("what arrived", string(answer), fmt.Sprintf("%d %s", size, hash(body))),
		); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) heads() error {
	for _, size := range c.sizes {
		response, body, err := c.call(c.request("HEAD", fmt.Sprintf("/bytes/%d", size), nil))
		if err != nil {
			return err
		}
		if err := errors.Join(
			check("content-length", response.ContentLength, int64(size)),
			check("body", len(body), 0),
		); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) empty() error {
	response, body, err := c.call(c.request("GET", "/empty", nil))
	if err != nil {
		return err
	}
	return errors.Join(check("status", response.StatusCode, 204), check("body", len(body), 0))
}

func (c *client) same() error {
	first, _, err := c.call(c.request("GET", "/same", nil))
	if err != nil {
		return err
	}
	request := c.request("GET", "/same", nil)
	request.Header.Set("If-None-Match", first.Header.Get("Etag"))
	response, body, err := c.call(request)
	if err != nil {
		return err
	}
	return errors.Join(check("status", response.StatusCode, 304), check("body", len(body), 0))
}

func (c *client) answerTrailers() error {
	response, body, err := c.call(c.request("GET", "/trailers", nil))
	if err != nil {
		return err
	}
	return errors.Join(
		check("body", string(body), "with trailers"),
		check("trailer", response.Trailer.Get("X-Sum"), "42"),
	)
}

func (c *client) requestTrailers() error {
	request := c.request("POST", "/post", io.MultiReader(strings.NewReader("body")))
	request.Trailer = http.Header{"X-Sum": {"42"}}
	response, body, err := c.call(request)
	if err != nil {
		return err
	}
	return errors.Join(
		check("what arrived", string(body), "4 "+hash([]byte("body"))),
		check("trailer", response.Header.Get("X-Got-Trailer"), "42"),
	)
}

func (c *client) hints() error {
	seen := ""
	request := c.request("GET", "/hints", nil)
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		seen += fmt.Sprintf("%d %s", code, header.Get("Link"))
		return nil
	}}
	_, body, err := c.call(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		return err
	}
	return errors.Join(
		check("body", string(body), "hinted"),
		check("1xx", seen, "103 </style.css>; rel=preload; as=style"),
	)
}

func (c *client) upgrade() error {
	request := c.request("GET", "/upgrade", nil)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "echo")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := check("status", response.StatusCode, 101); err != nil {
		return err
	}
	stream := response.Body.(io.ReadWriter)
	sent := bytes.Repeat([]byte("fox "), 250_000)
	go stream.Write(sent)
	echo := make([]byte, len(sent))
	if _, err := io.ReadFull(stream, echo); err != nil {
		return err
	}
	return check("echo", hash(echo), hash(sent))
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func check[T comparable](what string, seen, wanted T) error {
	if seen == wanted {
		return nil
	}
	return fmt.Errorf("%s: %v, not %v", what, seen, wanted)
}
