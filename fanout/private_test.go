package fanout

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestDialControl(t *testing.T) {
	tests := map[string]bool{ // address to whether it is refused after a redirect
		"127.0.0.1:80":         true,
		"[::1]:443":            true,
		"10.1.2.3:80":          true,
		"192.168.0.1:80":       true,
		"172.16.0.1:80":        true,
		"169.254.169.254:80":   true,
		"100.64.0.1:80":        true,
		"0.0.0.0:80":           true,
		"[fe80::1]:80":         true,
		"[fd00::1]:80":         true,
		"[::ffff:10.0.0.1]:80": true,
		"224.0.0.1:80":         true,
		"nonsense":             true,
		"93.184.216.34:443":    false,
		"[2606:4700::1]:443":   false,
	}
	for address, refused := range tests {
		if err := dialControl(onlyPublic(t.Context()), "tcp", address, nil); (err != nil) != refused {
			t.Errorf("%s after a redirect: %v, want refused %t", address, err, refused)
		}
		if err := dialControl(t.Context(), "tcp", address, nil); err != nil {
			t.Errorf("%s without a redirect: %v", address, err)
		}
	}
}

// TestRedirectToPrivateAddress follows a redirect of a list on the web to an
// address of this machine.
func TestRedirectToPrivateAddress(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	defer inside.Close()
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	ctx := onlyPublic(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, inside.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, errPrivate) {
		t.Errorf("error is %v, want %v", err, errPrivate)
	}
}
