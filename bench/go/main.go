// Command bench is the load and the backend of Serin's benchmark, both real grpc-go.
//
//	bench backend -listen 127.0.0.1:9001
//	bench load -target 127.0.0.1:8080 -conns 16 -streams 16 -calls 100000 [-heavy] [-rate 5000]
//	bench load -target 127.0.0.1:8080 -conns 16 -streams 1 -calls 16 -messages 1000
//	bench websocket-backend -listen 127.0.0.1:9001
//	bench websocket -target 127.0.0.1:8080 -conns 16 -messages 10000
//	bench idle -target 127.0.0.1:8080 -conns 10000
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

const method = "/helloworld.Greeter/SayHello"

// raw passes messages on as bytes: the bench measures proxies, not protobuf.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = append([]byte(nil), b...); return nil }
func (raw) Name() string                    { return "proto" }

func main() {
	if len(os.Args) < 2 {
		log.Fatal("backend, load, websocket-backend, websocket or idle")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	address := flags.String("listen", "127.0.0.1:9001", "address of the backend")
	target := flags.String("target", "127.0.0.1:8080", "address of the proxy")
	conns := flags.Int("conns", 16, "connections")
	streams := flags.Int("streams", 16, "calls at a time on each")
	calls := flags.Int("calls", 100000, "calls in all")
	heavy := flags.Bool("heavy", false, "headers of its own in each call: traceparent, x-request-id, deadline; a token of 600 bytes")
	messages := flags.Int("messages", 0, "messages there and back on each stream or connection; 0 = unary calls")
	rate := flags.Float64("rate", 0, "calls a second, evenly; 0 = as fast as they are answered")
	_ = flags.Parse(os.Args[2:])
	switch os.Args[1] {
	case "backend":
		backend(*address)
	case "load":
		load(*target, *conns, *streams, *calls, *messages, *heavy, *rate)
	case "websocket-backend":
		websocketBackend(*address)
	case "websocket":
		websocketLoad(*target, *conns, *messages)
	case "idle":
		idle(*target, *conns)
	default:
		log.Fatalf("unknown command %q", os.Args[1])
	}
}

func backend(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	reply := []byte("\n\x0bHello world")
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.MaxConcurrentStreams(1000))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "helloworld.Greeter",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "SayHello",
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var request []byte
				if err := decode(&request); err != nil {
					return nil, err
				}
				return &reply, nil
			},
		}},
		Streams: []grpc.StreamDesc{{
			StreamName:    "Chat",
			ServerStreams: true,
			ClientStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				for {
					var message []byte
					if err := stream.RecvMsg(&message); err == io.EOF {
						return nil
					} else if err != nil {
						return err
					}
					if err := stream.SendMsg(&message); err != nil {
						return err
					}
				}
			},
		}},
	}, struct{}{})
	log.Fatal(server.Serve(listener))
}

// result is what load prints, times in microseconds.
type result struct {
	Calls   int64   `json:"calls"`
	Errors  int64   `json:"errors"`
	Error   string  `json:"error"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
}

func load(target string, conns, streams, calls, messages int, heavy bool, rate float64) {
	token := "Bearer " + strings.Repeat("eyJhbGciOiJSUzI1NiIsImtpZCI6", 22)[:593]
	request := []byte("\n\x05world")
	var left, errors atomic.Int64
	left.Store(int64(calls))
	var firstError atomic.Value
	times := make([][]float64, conns*streams)
	began := time.Now()
	var wait sync.WaitGroup
	for c := range conns {
		// One channel, one connection: "passthrough" and a dialer of its own keep grpc-go from sharing.
		conn, err := grpc.NewClient("passthrough:///"+target, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
		if err != nil {
			log.Fatal(err)
		}
		defer conn.Close()
		for s := range streams {
			lane := c*streams + s
			wait.Add(1)
			go func() {
				defer wait.Done()
				for {
					n := int64(calls) - left.Add(-1) - 1
					if n >= int64(calls) {
						return
					}
					start := time.Now()
					if rate > 0 {
						// Open loop: the time counts from when the call was due, so a stall is not hidden.
						start = began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
						time.Sleep(time.Until(start))
					}
					ctx, cancel := headers(heavy, token)
					var reply []byte
					var err error
					if messages == 0 {
						err = conn.Invoke(ctx, method, &request, &reply)
					} else {
						err = chat(ctx, conn, messages)
					}
					if err != nil {
						errors.Add(1)
						firstError.CompareAndSwap(nil, err.Error())
					}
					cancel()
					times[lane] = append(times[lane], float64(time.Since(start).Microseconds()))
				}
			}()
		}
	}
	wait.Wait()
	seconds := time.Since(began).Seconds()
	var all []float64
	for _, lane := range times {
		all = append(all, lane...)
	}
	sort.Float64s(all)
	at := func(q float64) float64 { return all[min(len(all)-1, int(q*float64(len(all))))] }
	text, _ := firstError.Load().(string)
	_ = json.NewEncoder(os.Stdout).Encode(result{int64(len(all)), errors.Load(), text, seconds, at(0.5), at(0.9), at(0.99)})
}

// chat sends messages of 1,000 bytes on one stream, each when the one before has come back.
func chat(ctx context.Context, conn *grpc.ClientConn, messages int) error {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/helloworld.Greeter/Chat")
	if err != nil {
		return err
	}
	message := make([]byte, 1000)
	for range messages {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
		var back []byte
		if err := stream.RecvMsg(&back); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var last []byte
	if err := stream.RecvMsg(&last); err != io.EOF {
		return fmt.Errorf("the stream has no end: %v", err)
	}
	return nil
}

func headers(heavy bool, token string) (context.Context, context.CancelFunc) {
	if !heavy {
		return context.Background(), func() {}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	a, b, id := rand.Uint64(), rand.Uint64(), rand.Uint64()
	return metadata.AppendToOutgoingContext(ctx,
		"traceparent", fmt.Sprintf("00-%016x%016x-%016x-01", a, b, id),
		"x-request-id", fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(b), a>>52, b>>52, id>>16),
		"authorization", token), cancel
}

// idle opens connections, finishes the handshake of HTTP/2 on each, says so, and holds them until its input ends.
func idle(target string, conns int) {
	preface := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	held := make([]net.Conn, 0, conns)
	for range conns {
		conn, err := net.Dial("tcp", target)
		if err != nil {
			log.Fatalf("after %d connections: %v", len(held), err)
		}
		if _, err := conn.Write(preface); err != nil {
			log.Fatal(err)
		}
		held = append(held, conn)
	}
	fmt.Printf("open %d\n", len(held))
	_, _ = os.Stdin.Read(make([]byte, 1))
	for _, conn := range held {
		conn.Close()
	}
}
