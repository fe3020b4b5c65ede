// Command hpack is Go's HPACK for test/peers/hpack-go.test.ts. Each line of its input is JSON: {"size": N or absent, "fields":
// [[name, value, "never" or ""], ...]} is encoded, with a new limit of the table where size is given; {"block": hex, "size": N or absent}
// is decoded. It answers a line for each: the block in hexadecimal, or the fields as JSON.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/net/http2/hpack"
)

type line struct {
	Size   *uint32     `json:"size"`
	Fields [][3]string `json:"fields"`
	Block  *string     `json:"block"`
}

func main() {
	var out bytes.Buffer
	encoder := hpack.NewEncoder(&out)
	decoder := hpack.NewDecoder(4096, nil)
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	lines := json.NewDecoder(input)
	for lines.More() {
		var one line
		if err := lines.Decode(&one); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if one.Block != nil {
			if one.Size != nil {
				decoder.SetAllowedMaxDynamicTableSize(*one.Size)
			}
			block, _ := hex.DecodeString(*one.Block)
			fields, err := decoder.DecodeFull(block)
			if err != nil {
				fmt.Fprintln(answers, "error:", err)
				continue
			}
			list := [][2]string{}
			for _, f := range fields {
				list = append(list, [2]string{f.Name, f.Value})
			}
			text, _ := json.Marshal(list)
			fmt.Fprintln(answers, string(text))
			continue
		}
		if one.Size != nil {
			encoder.SetMaxDynamicTableSize(*one.Size)
		}
		out.Reset()
		for _, f := range one.Fields {
			_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: f[2] == "never"})
		}
		fmt.Fprintln(answers, hex.EncodeToString(out.Bytes()))
	}
}
