// Go's net/http as a client and as a backend of the gateway:
//
//	compat client 1|2 BASE CASES SIZES CA
//	compat server
//	compat version
//
// The client prints a line of JSON for each case; the server prints its port and speaks HTTP/1.1 and, by prior knowledge, HTTP/2.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

func main() {
	if len(os.Args) == 7 && os.Args[1] == "client" {
		runClient(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6])
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "server" {
		runServer()
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(runtime.Version())
		return
	}
	fmt.Fprintln(os.Stderr, "usage: compat client 1|2 BASE CASES SIZES CA | compat server | compat version")
	os.Exit(2)
}

func say(value any) {
	line, _ := json.Marshal(value)
	fmt.Println(string(line))
}
