package errno_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"aggregator/internal/errno"
)

// TestRefused asks an address at which nobody listens any longer.
func TestRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		_ = conn.Close()
		t.Skip("NOT TESTED: another program listens there now")
	}
	if wrapped := fmt.Errorf("calling: %w", err); !errno.IsRefused(wrapped) || errno.IsReset(wrapped) || errno.IsUnreachable(wrapped) || errno.IsExhausted(wrapped) {
		t.Errorf("%v is not told to be refused alone", err)
	}
}

// TestReset has the other end hang up without a farewell.
func TestReset(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errno.IsReset(err) || errno.IsRefused(err) {
		t.Errorf("%v is not told to be a reset alone", err)
	}
}

func TestOthersAreNone(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, net.ErrClosed, errors.New("connection refused")} {
		if errno.IsRefused(err) || errno.IsReset(err) || errno.IsUnreachable(err) || errno.IsExhausted(err) {
			t.Errorf("%v is told to be one of them", err)
		}
	}
}
