package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// websocketBackend sends every message back.
func websocketBackend(address string) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	log.Fatal(http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	})))
}

// websocketLoad sends messages of 1,000 bytes on each connection, each when the one before has come back.
func websocketLoad(target string, conns, messages int) {
	var done, errors atomic.Int64
	var firstError atomic.Value
	began := time.Now()
	var wait sync.WaitGroup
	for range conns {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if err := converse(target, messages, &done); err != nil {
				errors.Add(1)
				firstError.CompareAndSwap(nil, err.Error())
			}
		}()
	}
	wait.Wait()
	text, _ := firstError.Load().(string)
	_ = json.NewEncoder(os.Stdout).Encode(result{Calls: done.Load(), Errors: errors.Load(), Error: text, Seconds: time.Since(began).Seconds()})
}

func converse(target string, messages int, done *atomic.Int64) error {
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+target+"/helloworld.Greeter/chat", nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	message := make([]byte, 1000)
	for range messages {
		if err := conn.WriteMessage(websocket.BinaryMessage, message); err != nil {
			return err
		}
		if _, _, err := conn.ReadMessage(); err != nil {
			return err
		}
		done.Add(1)
	}
	return conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
}
