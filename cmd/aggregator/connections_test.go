package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestCallersFaults are requests that are broken in ways that no client library
// sends: they are told so, and nothing goes to the log as an error of ours.
func TestCallersFaults(t *testing.T) {
	t.Parallel()
	s := boot(t)
	for _, tt := range []struct{ name, request, status string }{
		{"a chunked GET that breaks off", "GET /api/lists HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
		{"white space that JSON does not know", "POST /api/count HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n\v{}", "400"},
		{"a range of a list", "GET /api/lists HTTP/1.1\r\nHost: x\r\nRange: bytes=99999999-\r\n\r\n", "200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, tt.request)
			answer := make([]byte, 12)
			if _, err := io.ReadFull(conn, answer); err != nil || string(answer[9:]) != tt.status {
				t.Errorf("answer %q, error %v, want %s", answer, err, tt.status)
			}
		})
	}
	if strings.Contains(s.Log.String(), `"level":"ERROR"`) {
		t.Errorf("log: %s", s.Log)
	}
}
