// Command backend is what the pods of test/cluster run, and the load that calls them, both real grpc-go.
//
//	backend serve -version 1.0 -grpc :50051 -http :8080
//	backend hostname 50051 1.0
//	backend load -target 10.244.0.9:8080 -rate 2000 -seconds 10
package main

import (
	"fmt"
	"log"
	"os"

	"google.golang.org/protobuf/proto"
)

func main() {
	log.SetFlags(log.Lmicroseconds)
	if len(os.Args) < 2 {
		log.Fatal("serve, hostname or load")
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2:])
	case "hostname":
		hostname(os.Args[2:])
	case "load":
		load(os.Args[2:])
	default:
		log.Fatalf("unknown command %q", os.Args[1])
	}
}

// codec passes the Greeter's messages on as bytes, so that no generated code is needed; all else is protobuf.
type codec struct{}

func (codec) Marshal(v any) ([]byte, error) {
	switch m := v.(type) {
	case *[]byte:
		return *m, nil
	case proto.Message:
		return proto.Marshal(m)
	}
	return nil, fmt.Errorf("no message: %T", v)
}

func (codec) Unmarshal(b []byte, v any) error {
	switch m := v.(type) {
	case *[]byte:
		*m = append([]byte(nil), b...)
		return nil
	case proto.Message:
		return proto.Unmarshal(b, m)
	}
	return fmt.Errorf("no message: %T", v)
}

func (codec) Name() string { return "proto" }

// text is field 1 of HelloRequest and of HelloReply.
func text(message []byte) string {
	if len(message) < 2 || message[0] != 0x0a || int(message[1]) > len(message)-2 {
		return ""
	}
	return string(message[2 : 2+int(message[1])])
}

// message is a HelloRequest or HelloReply of up to 127 bytes.
func message(text string) []byte {
	if len(text) > 127 {
		text = text[:127]
	}
	return append([]byte{0x0a, byte(len(text))}, text...)
}
