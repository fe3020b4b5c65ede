package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

type server struct {
	version, pod string
	latency      time.Duration
	// saying makes a greeting's text.
	saying func(name string) string
}

// serve answers helloworld.Greeter and gRPC's health service on one port, HTTP/1.1 on another. At SIGTERM it closes its
// listeners at once and finishes the calls that run: no preStop and no waiting hides the race with those who still call it.
func serve(args []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	version := flags.String("version", env("VERSION", "1.0"), "what its answers name")
	grpcAddress := flags.String("grpc", env("GRPC_ADDRESS", ":50051"), "address of the Greeter")
	httpAddress := flags.String("http", env("HTTP_ADDRESS", ":8080"), "address of HTTP/1.1; none = no such port")
	latency := flags.Duration("latency", duration("LATENCY", 0), "how long each call takes")
	delay := flags.Duration("start-delay", duration("START_DELAY", 0), "how long it takes until it listens")
	_ = flags.Parse(args)
	s := &server{version: *version, pod: env("HOSTNAME", "nowhere"), latency: *latency}
	s.saying = func(name string) string { return fmt.Sprintf("Hello %s, I am %s on %s", name, s.version, s.pod) }
	s.run(*delay, *grpcAddress, *httpAddress)
}

// hostname answers as gRPC's example-hostname does, which examples/hello-grpc-kubernetes runs: its arguments are a port, and the name
// that it greets with.
func hostname(args []string) {
	args = append(args, []string{"50051", env("HOSTNAME", "nowhere")}[min(len(args), 2):]...)
	s := &server{version: args[1], saying: func(name string) string { return fmt.Sprintf("Hello %s, from %s", name, args[1]) }}
	s.run(0, ":"+args[0], "none")
}

func (s *server) run(delay time.Duration, grpcAddress, httpAddress string) {
	// Before the delay: who is stopped while starting must end at once.
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-time.After(delay):
	case <-stopped:
		return
	}
	var wait sync.WaitGroup
	grpcServer := s.grpc(listen(grpcAddress))
	var httpServer *http.Server
	if httpAddress != "none" {
		httpServer = s.http(listen(httpAddress))
	}
	log.Printf("version %s serves", s.version)
	log.Printf("%v: stops", <-stopped)
	wait.Go(grpcServer.GracefulStop)
	if httpServer != nil {
		wait.Go(func() { _ = httpServer.Shutdown(context.Background()) })
	}
	wait.Wait()
	log.Print("stopped")
}

func listen(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func (s *server) grpc(listener net.Listener) *grpc.Server {
	g := grpc.NewServer(grpc.ForceServerCodec(codec{}))
	g.RegisterService(&grpc.ServiceDesc{
		ServiceName: "helloworld.Greeter",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "SayHello", Handler: s.sayHello}},
		Streams:     []grpc.StreamDesc{{StreamName: "SayHelloStreamReply", Handler: s.stream, ServerStreams: true}},
	}, s)
	grpc_health_v1.RegisterHealthServer(g, health.NewServer())
	go func() {
		if err := g.Serve(listener); err != nil {
			log.Fatal(err)
		}
	}()
	return g
}

func (s *server) reply(name string) []byte { return message(s.saying(name)) }

func (s *server) sayHello(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in []byte
	if err := decode(&in); err != nil {
		return nil, err
	}
	if err := sleep(ctx, first(ctx, "sleep", s.latency)); err != nil {
		return nil, err
	}
	out := s.reply(text(in))
	return &out, nil
}

// stream says hello `ticks` times, once every `every`: both are metadata of the call.
func (s *server) stream(_ any, stream grpc.ServerStream) error {
	var in []byte
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	ctx := stream.Context()
	ticks, every := 10, first(ctx, "every", 100*time.Millisecond)
	if values := metadata.ValueFromIncomingContext(ctx, "ticks"); len(values) > 0 {
		if n, err := strconv.Atoi(values[0]); err == nil {
			ticks = n
		}
	}
	for range ticks {
		if err := sleep(ctx, every); err != nil {
			return err
		}
		out := s.reply(text(in))
		if err := stream.SendMsg(&out); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) http(listener net.Listener) *http.Server {
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := s.latency
		if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
			wait = d
		}
		if sleep(r.Context(), wait) != nil {
			return
		}
		w.Header().Set("x-version", s.version)
		w.Header().Set("x-pod", s.pod)
		fmt.Fprintln(w, s.saying(r.URL.Path))
	})}
	go func() {
		if err := h.Serve(listener); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	return h
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// first is the duration that the call's metadata names.
func first(ctx context.Context, key string, otherwise time.Duration) time.Duration {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) > 0 {
		if d, err := time.ParseDuration(values[0]); err == nil {
			return d
		}
	}
	return otherwise
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func duration(name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv(name)); err == nil {
		return d
	}
	return otherwise
}
