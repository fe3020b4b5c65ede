module serin.dev/peers

go 1.24

require golang.org/x/net v0.35.0
