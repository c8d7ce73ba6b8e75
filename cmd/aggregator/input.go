package main

import (
	"fmt"
	"io"
	"os"
)

// readInput returns what a file holds, or standard input for "-", and how people call
// it. what is what it holds, in the plural, of at most limit bytes.
func readInput(env environment, file, what string, limit int64) (body []byte, name string, err error) {
	in, name := env.in, "standard input"
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, file, err
		}
		defer func() { _ = opened.Close() }() // nothing was written
		in, name = opened, file
	}
	body, err = io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%s holds more than the %d bytes that %s may have", name, limit, what)
	}
	return body, name, err
}
