package fanout

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"aggregator/lists"
)

func TestDialControl(t *testing.T) {
	tests := map[string]bool{ // address to whether it is refused after a redirect
		"127.0.0.1:80":           true,
		"[::1]:443":              true,
		"10.1.2.3:80":            true,
		"192.168.0.1:80":         true,
		"172.16.0.1:80":          true,
		"169.254.169.254:80":     true,
		"100.64.0.1:80":          true,
		"0.0.0.0:80":             true,
		"[fe80::1]:80":           true,
		"[fd00::1]:80":           true,
		"[::ffff:10.0.0.1]:80":   true,
		"224.0.0.1:80":           true,
		"nonsense":               true,
		"0.1.2.3:80":             true,
		"100.127.255.255:80":     true,
		"172.31.255.255:80":      true,
		"192.0.0.8:80":           true,
		"198.18.0.1:80":          true,
		"198.19.255.255:80":      true,
		"255.255.255.255:80":     true,
		"239.1.1.1:80":           true,
		"[::]:80":                true,
		"[::7f00:1]:80":          true,
		"[::ffff:127.0.0.1]:1":   true,
		"[64:ff9b::5db8:d822]:1": true,
		"[2002:7f00:1::]:80":     true,
		"[2002:c0a8:1::1]:80":    true,
		"[fdff::1]:80":           true,
		"[febf::1%eth0]:80":      true,
		"[ff02::1]:80":           true,
		"93.184.216.34:443":      false,
		"100.63.255.255:80":      false,
		"100.128.0.1:80":         false,
		"172.32.0.1:80":          false,
		"192.0.1.1:80":           false,
		"198.20.0.1:80":          false,
		"[2606:4700::1]:443":     false,
		"[2002:5db8:d822::]:1":   false,
		"[::ffff:1.1.1.1]:443":   false,
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

// TestHosts has the hosts to which a redirect does not lead: as they are written,
// and where a proxy would look them up.
func TestHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]struct{ written, proxied bool }{
		"list.example":             {false, false},
		"LIST.example.":            {false, false},
		"1.list.example":           {false, false},
		"0x7f.example":             {false, false},
		"localhost":                {true, true},
		"LOCALHOST.":               {true, true},
		"a.localhost":              {true, false},
		"127.0.0.1":                {true, true},
		"127.0.0.1.":               {true, true},
		"[::1]":                    {true, true},
		"[::ffff:10.0.0.1]":        {true, true},
		"93.184.216.34":            {false, false},
		"[2606:4700::1]":           {false, false},
		"2130706433":               {false, true},
		"0x7f000001":               {false, true},
		"0X7F.1":                   {false, true},
		"127.1":                    {false, true},
		"0177.0.0.01":              {false, true},
		"127.0.0.0x1":              {false, true},
		"intranet":                 {false, true},
		"metadata.":                {false, true},
		"metadata.google.internal": {false, false}, // a proxy that serves its own network to us has its own rules
	} {
		u, err := url.Parse("http://" + host + ":80/")
		if err != nil {
			t.Fatal(err)
		}
		if got := isPrivateHost(u); got != want.written {
			t.Errorf("isPrivateHost(%s): got %t, want %t", host, got, want.written)
		}
		if got := mayBePrivate(u); got != want.proxied {
			t.Errorf("mayBePrivate(%s): got %t, want %t", host, got, want.proxied)
		}
	}
}

// TestRedirectToAnotherList checks that a redirect is not followed to a host of
// another list, whose limits it would use up, and is to any other.
func TestRedirectToAnotherList(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, `{"name":"Bot"}`)
	}))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.RedirectHandler(other.URL+"/x", http.StatusFound))
	t.Cleanup(first.Close)
	host := strings.TrimPrefix(other.URL, "http://")
	for _, tt := range []struct {
		list string
		want lists.Fault
	}{{"one.test", lists.FaultRedirect}, {"other.test", lists.FaultNone}} {
		asked.Store(0)
		client := New(NewTransport(), quiet, WithOthers(func(id, at string) bool { return at == host && id != "other.test" }))
		a := client.Run(t.Context(), lists.Readings, here, []lists.Call{read(t, newList(t, tt.list, first.URL+"/:id"), bot)})[0]
		if followed := asked.Load() == 1; a.Fault != tt.want || followed != (tt.want == lists.FaultNone) {
			t.Errorf("%s: %d %q %q, the other list was asked: %t; want fault %q", tt.list, a.Status, a.Fault, a.Reason, followed, tt.want)
		}
	}
}
