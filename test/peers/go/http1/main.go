// Command http1 reads HTTP/1 messages with Go's net/http for test/peers/http1-go.test.ts: requests, or answers to requests of the method that
// is its argument. Its input is the bytes of connections, each behind its length (four bytes, big endian). It answers a line of JSON for
// each: the messages that http.ReadRequest or http.ReadResponse found one behind the other, and why it stopped ("" when all bytes were
// read, or when net/http would have read no further).
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

type message struct {
	// Of an answer its status.
	Method   string      `json:"method"`
	Target   string      `json:"target"`
	Host     string      `json:"host"`
	Fields   [][2]string `json:"fields"`
	Body     string      `json:"body"`
	Chunked  bool        `json:"chunked"`
	Trailers [][2]string `json:"trailers"`
}

type answer struct {
	Messages []message `json:"messages"`
	Error    string    `json:"error"`
}

// latin1 makes a character of each byte, so that JSON can hold any of them.
func latin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// fields lists a header; Go keeps the order of the values of one name only.
func fields(header http.Header) [][2]string {
	list := [][2]string{}
	for name, values := range header {
		for _, value := range values {
			list = append(list, [2]string{latin1(name), latin1(value)})
		}
	}
	return list
}

// readOne reads a message; last says that no other may be behind it.
func readOne(input *bufio.Reader, method string) (result message, last bool, err error) {
	if method == "" {
		request, err := http.ReadRequest(input)
		if err != nil {
			return result, true, err
		}
		body, err := io.ReadAll(request.Body)
		return message{
			Method:   latin1(request.Method),
			Target:   latin1(request.RequestURI),
			Host:     latin1(request.Host),
			Fields:   fields(request.Header),
			Body:     base64.StdEncoding.EncodeToString(body),
			Chunked:  len(request.TransferEncoding) > 0,
			Trailers: fields(request.Trailer),
		}, request.Close || request.Method == "CONNECT", err
	}
	answer, err := http.ReadResponse(input, &http.Request{Method: method})
	if err != nil {
		return result, true, err
	}
	body, err := io.ReadAll(answer.Body)
	return message{
		Method:   strconv.Itoa(answer.StatusCode),
		Fields:   fields(answer.Header),
		Body:     base64.StdEncoding.EncodeToString(body),
		Chunked:  len(answer.TransferEncoding) > 0,
		Trailers: fields(answer.Trailer),
	}, answer.Close || answer.StatusCode == http.StatusSwitchingProtocols, err
}

func read(connection []byte, method string) answer {
	result := answer{Messages: []message{}}
	// Trailers have to fit into the reader's buffer.
	input := bufio.NewReaderSize(bytes.NewReader(connection), 1<<16)
	for {
		if _, err := input.Peek(1); err == io.EOF {
			return result
		}
		one, last, err := readOne(input, method)
		if err != nil {
			result.Error = latin1(err.Error())
			return result
		}
		result.Messages = append(result.Messages, one)
		if last {
			return result
		}
	}
}

func main() {
	method := ""
	if len(os.Args) > 1 {
		method = os.Args[1]
	}
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer output.Flush()
	answers := json.NewEncoder(output)
	answers.SetEscapeHTML(false)
	var length [4]byte
	for {
		if _, err := io.ReadFull(input, length[:]); errors.Is(err, io.EOF) {
			return
		}
		connection := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(input, connection); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = answers.Encode(read(connection, method))
	}
}
