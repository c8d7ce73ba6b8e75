package main

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// soakTime is for how long `make soak` lets tests run. In other runs such a
// test is skipped.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	said := os.Getenv("SOAK")
	if said == "" {
		t.Skip("NOT TESTED: takes minutes; make soak runs it")
	}
	minutes, err := strconv.ParseFloat(said, 64)
	if err != nil || minutes <= 0 {
		t.Fatalf("SOAK=%s, want a number of minutes", said)
	}
	return time.Duration(minutes * float64(time.Minute))
}
