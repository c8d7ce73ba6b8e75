package main

import (
	"context"
	"io"
	"net/http"
	"testing"

	"aggregator/fanout"
	"aggregator/internal/testkit"
)

// running is a service that a test has booted.
type running struct{ *testkit.Service }

type answer = testkit.Answer

// boot runs `aggregator serve` on a free port of loopback.
func boot(t *testing.T, args ...string) *running {
	t.Helper()
	transport := fanout.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return bootOn(t, transport, append([]string{"--store", "memory:", "--limit-network", "off"}, args...)...)
}

// bootOn runs `aggregator serve` with its calls led by a transport.
func bootOn(t *testing.T, transport http.RoundTripper, args ...string) *running {
	t.Helper()
	args = append([]string{"serve", "--listen", anyPort}, args...)
	s := testkit.Serve(t, func(ctx context.Context, stderr io.Writer) int {
		return environment{out: io.Discard, errOut: stderr, transport: transport}.run(ctx, args)
	})
	t.Cleanup(func() {
		if code := s.Stop(); code != exitDone {
			t.Errorf("serve ended with %d, want %d: %s", code, exitDone, s.Log)
		}
	})
	return &running{s}
}
