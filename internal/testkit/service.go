package testkit

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"
)

// A Service is a service under test, in the test's own process.
type Service struct {
	Base string // http://127.0.0.1:PORT
	Log  *Log
	// Stop ends the service and returns its exit code. It may be called again.
	Stop func() int
}

// Serve runs a service that logs the message "serving" with its "address" as
// JSON on stderr, and waits for that. run returns its exit code when ctx ends.
// The service ends with the test.
func Serve(t testing.TB, run func(ctx context.Context, stderr io.Writer) int) *Service {
	t.Helper()
	s, err := TryServe(t, run)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TryServe is Serve for a service that may fail to start.
func TryServe(t testing.TB, run func(ctx context.Context, stderr io.Writer) int) (*Service, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{Log: &Log{}}
	serving := s.Log.Next("serving")
	code := make(chan int, 1)
	go func() { code <- run(ctx, s.Log) }()
	s.Stop = sync.OnceValue(func() int {
		Client.CloseIdleConnections()
		cancel()
		return <-code
	})
	t.Cleanup(func() { s.Stop() })
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case e := <-serving:
		s.Base = fmt.Sprint("http://", e["address"])
		return s, nil
	case c := <-code:
		code <- c // for Stop
		return nil, fmt.Errorf("the service ended with %d: %s", c, s.Log)
	case <-timer.C:
		return nil, fmt.Errorf("the service did not start within %s: %s", Patience, s.Log)
	}
}
