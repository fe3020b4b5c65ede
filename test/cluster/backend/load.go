package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// seen is what one version has answered. Times are of the calls' beginnings, in milliseconds since 1970.
type seen struct {
	Calls   int            `json:"calls"`
	FirstAt float64        `json:"firstAt"`
	LastAt  float64        `json:"lastAt"`
	Pods    map[string]int `json:"pods"`
}

type failure struct {
	At     float64 `json:"at"`
	TookMs float64 `json:"tookMs"`
	Reason string  `json:"reason"`
}

// total is the last line that a load prints.
type total struct {
	Calls    int              `json:"calls"`
	Failures map[string]int   `json:"failures"`
	First    []failure        `json:"firstFailures"`
	Versions map[string]*seen `json:"versions"`
	P50Ms    float64          `json:"p50Ms"`
	P99Ms    float64          `json:"p99Ms"`
	MaxMs    float64          `json:"maxMs"`
}

// slice is a line that a load prints as it goes: the calls that began within so many milliseconds.
type slice struct {
	At       float64        `json:"at"`
	Versions map[string]int `json:"versions"`
	Failures int            `json:"failures"`
}

type recorder struct {
	mutex   sync.Mutex
	total   total
	slices  map[int64]*slice
	every   time.Duration
	took    []float64
	printed int64
}

type caller func(ctx context.Context, connection int) (answer string, err error)

// load calls at an even rate until the time is over or SIGTERM comes, waits for the calls that run, and prints what it saw as
// lines of JSON. It tries nothing twice.
func load(args []string) {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	target := flags.String("target", "", "address, host:port")
	rate := flags.Float64("rate", 100, "calls a second")
	seconds := flags.Float64("seconds", 0, "how long; 0 = until SIGTERM")
	connections := flags.Int("connections", 4, "connections that take turns")
	kind := flags.String("kind", "unary", "unary, stream or http (GET over HTTP/1.1)")
	path := flags.String("path", "/", "of http")
	host := flags.String("host", "", "host name of the calls, where it is not the target")
	fields := flags.String("metadata", "", "metadata or header fields of each call: name=value,…")
	timeout := flags.Duration("timeout", 10*time.Second, "deadline of a call")
	every := flags.Duration("slice", 100*time.Millisecond, "of the lines that it prints as it goes")
	_ = flags.Parse(args)
	r := &recorder{slices: map[int64]*slice{}, every: *every,
		total: total{Failures: map[string]int{}, Versions: map[string]*seen{}}}
	var call caller
	if *kind == "http" {
		call = httpCaller(*target, *path, *host, pairs(*fields), *connections)
	} else {
		call = grpcCaller(*target, *kind, *host, pairs(*fields), *connections)
	}
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	var running sync.WaitGroup
	tick := time.NewTicker(time.Millisecond)
	began, made := time.Now(), 0
	for going := true; going; {
		select {
		case <-stopped:
			going = false
		case <-tick.C:
			elapsed := time.Since(began).Seconds()
			if *seconds > 0 && elapsed >= *seconds {
				elapsed, going = *seconds, false
			}
			for ; made < int(elapsed**rate); made++ {
				connection := made % *connections
				running.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), *timeout)
					defer cancel()
					at := time.Now()
					answer, err := call(ctx, connection)
					r.record(at, time.Since(at), answer, err)
				})
			}
			r.print(time.Now().Add(-*every))
		}
	}
	running.Wait()
	r.print(time.Now().Add(*every))
	r.finish()
}

func (r *recorder) record(at time.Time, took time.Duration, answer string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.total.Calls++
	r.took = append(r.took, took.Seconds()*1e3)
	index := at.UnixNano() / int64(r.every)
	s := r.slices[index]
	if s == nil {
		s = &slice{At: float64(index) * r.every.Seconds() * 1e3, Versions: map[string]int{}}
		r.slices[index] = s
	}
	atMs := float64(at.UnixNano()) / 1e6
	if err != nil {
		reason := reasonOf(err)
		r.total.Failures[reason]++
		s.Failures++
		if len(r.total.First) < 20 {
			r.total.First = append(r.total.First, failure{atMs, took.Seconds() * 1e3, reason})
		}
		return
	}
	version, pod := whoAnswered(answer)
	s.Versions[version]++
	v := r.total.Versions[version]
	if v == nil {
		v = &seen{FirstAt: atMs, Pods: map[string]int{}}
		r.total.Versions[version] = v
	}
	v.Calls++
	v.FirstAt, v.LastAt = min(v.FirstAt, atMs), max(v.LastAt, atMs)
	v.Pods[pod]++
}

// whoAnswered finds version and pod in a greeting; gRPC's example-hostname says only who it is.
func whoAnswered(greeting string) (version, pod string) {
	greeting = strings.TrimSpace(greeting)
	if _, name, found := strings.Cut(greeting, ", from "); found {
		return name, name
	}
	_, rest, _ := strings.Cut(greeting, ", I am ")
	version, pod, _ = strings.Cut(rest, " on ")
	return version, pod
}

// print says what began before a moment. A call that takes longer than a slice counts in the line that its slice gets later:
// readers add lines of the same time up.
func (r *recorder) print(before time.Time) {
	end := before.UnixNano() / int64(r.every)
	if end == r.printed {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.printed = end
	for index, s := range r.slices {
		if index < end {
			line(s)
			delete(r.slices, index)
		}
	}
}

func (r *recorder) finish() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	sort.Float64s(r.took)
	if n := len(r.took); n > 0 {
		r.total.P50Ms, r.total.P99Ms, r.total.MaxMs = r.took[n/2], r.took[n*99/100], r.took[n-1]
	}
	line(map[string]any{"total": r.total})
}

func line(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

func reasonOf(err error) string {
	if s, ok := status.FromError(err); ok {
		return fmt.Sprintf("%v: %s", s.Code(), s.Message())
	}
	return err.Error()
}

func grpcCaller(target, kind, host string, fields []string, connections int) caller {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{})),
		// What fails is to be seen, not repeated. A call that no server has begun is made again all the same, as by every
		// gRPC client (REFUSED_STREAM, or a stream above the last of a GOAWAY).
		grpc.WithDisableRetry(),
	}
	if host != "" {
		options = append(options, grpc.WithAuthority(host))
	}
	clients := make([]*grpc.ClientConn, connections)
	for i := range clients {
		client, err := grpc.NewClient("passthrough:///"+target, options...)
		if err != nil {
			log.Fatal(err)
		}
		clients[i] = client
	}
	request := message("world")
	return func(ctx context.Context, connection int) (string, error) {
		ctx = metadata.AppendToOutgoingContext(ctx, fields...)
		var reply []byte
		if kind == "unary" {
			err := clients[connection].Invoke(ctx, "/helloworld.Greeter/SayHello", &request, &reply)
			return text(reply), err
		}
		stream, err := clients[connection].NewStream(ctx, &grpc.StreamDesc{ServerStreams: true},
			"/helloworld.Greeter/SayHelloStreamReply")
		if err != nil {
			return "", err
		}
		if err := stream.SendMsg(&request); err != nil {
			return "", err
		}
		if err := stream.CloseSend(); err != nil {
			return "", err
		}
		answer := ""
		for {
			if err := stream.RecvMsg(&reply); err == io.EOF {
				return answer, nil
			} else if err != nil {
				return "", err
			}
			answer = text(reply)
		}
	}
}

func httpCaller(target, path, host string, fields []string, connections int) caller {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: 0}}
	return func(ctx context.Context, _ int) (string, error) {
		request, err := http.NewRequestWithContext(ctx, "GET", "http://"+target+path, nil)
		if err != nil {
			return "", err
		}
		request.Host = host
		for i := 0; i+1 < len(fields); i += 2 {
			request.Header.Add(fields[i], fields[i+1])
		}
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode != 200 {
			err = fmt.Errorf("status %d: %s", response.StatusCode, strings.TrimSpace(string(body)))
		}
		return string(body), err
	}
}

func pairs(text string) []string {
	var all []string
	for _, pair := range strings.Split(text, ",") {
		if name, value, found := strings.Cut(pair, "="); found {
			all = append(all, name, value)
		}
	}
	return all
}
