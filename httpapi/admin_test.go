package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAdmin(t *testing.T) {
	t.Parallel()
	at := time.Unix(1e9, 0).UTC()
	all := []Hold{{"1", "a.test", "wait", at}, {"2", "b.test", "revoked", at}}
	a := Admin{
		Holds: func(context.Context) ([]Hold, error) { return all, nil },
		Lift: func(_ context.Context, id string) (Hold, bool, error) {
			if id == "away" {
				return Hold{}, false, errors.New("the store is away")
			}
			return all[0], id == all[0].ID, nil
		},
		Circuits: func() []Circuit { return []Circuit{{Breaker{"b.test", "posts", "open"}, at, at}} },
		Backup:   func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "copy"); return err },
	}
	const (
		first   = `{"id":"1","list":"a.test","kind":"wait","until":"2001-09-09T01:46:40Z"}`
		second  = `{"id":"2","list":"b.test","kind":"revoked","until":"2001-09-09T01:46:40Z"}`
		circuit = `{"list":"b.test","direction":"posts","state":"open","since":"2001-09-09T01:46:40Z","next_try":"2001-09-09T01:46:40Z"}`
	)
	for _, row := range []struct {
		name, method, path, body string
		header                   [2]string // beside the Content-Type
		status                   int
		want                     string
	}{
		{name: "holds", method: "GET", path: "/holds", status: 200, want: `{"holds":[` + first + `,` + second + `],"circuits":[` + circuit + `]}`},
		{name: "holds of a list", method: "GET", path: "/holds?list=a.test", status: 200, want: `{"holds":[` + first + `],"circuits":[]}`},
		{name: "lift", method: "POST", path: "/holds/lift", body: `{"id":"1"}`, status: 200, want: first},
		{name: "lift none", method: "POST", path: "/holds/lift", body: `{"id":"9"}`, status: 404, want: `{"message":"There is no hold 9"}`},
		{name: "lift without an id", method: "POST", path: "/holds/lift", body: `{}`, status: 400, want: `{"message":"Body must be {\"id\": \"…\"}"}`},
		{name: "lift without a store", method: "POST", path: "/holds/lift", body: `{"id":"away"}`, status: 503, want: `{"message":"the store is away"}`},
		{name: "backup", method: "POST", path: "/backup", body: `{}`, status: 200, want: "copy"},
		{name: "unknown", method: "GET", path: "/", status: 404, want: "404 page not found"},
		{name: "backup by a link", method: "GET", path: "/backup", status: 405, want: "Method Not Allowed"},
		{name: "form", method: "POST", path: "/backup", header: [2]string{"Content-Type", "text/plain"}, status: 403, want: `{"message":"Content-Type must be application/json"}`},
		{name: "page", method: "POST", path: "/backup", header: [2]string{"Origin", "http://localhost"}, status: 403, want: `{"message":"Requests of pages are refused"}`},
		{name: "page of another kind", method: "POST", path: "/backup", header: [2]string{"Origin", "null"}, status: 403, want: `{"message":"Requests of pages are refused"}`},
		{name: "host", method: "GET", path: "/holds", header: [2]string{"Host", "evil.test"}, status: 403, want: `{"message":"Host must be localhost or a loopback address"}`},
		{name: "host with a port", method: "GET", path: "/holds?list=x", header: [2]string{"Host", "127.0.0.1:9091"}, status: 200, want: `{"holds":[],"circuits":[]}`},
		{name: "host of IPv6", method: "GET", path: "/holds?list=x", header: [2]string{"Host", "[::1]:9091"}, status: 200, want: `{"holds":[],"circuits":[]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
			r.Host = "localhost"
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
			switch name, value := row.header[0], row.header[1]; name {
			case "":
			case "Host":
				r.Host = value
			default:
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, r)
			if got := strings.TrimSpace(w.Body.String()); w.Code != row.status || got != row.want {
				t.Errorf("%d %s\nwant %d %s", w.Code, got, row.status, row.want)
			}
		})
	}
}

// TestHalfABackupIsNone has a copy that breaks off.
func TestHalfABackupIsNone(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{"at once": "", "in the middle": strings.Repeat("x", 1<<20)} {
		a := Admin{Backup: func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, sent)
			return errors.New("disk on fire")
		}}
		s := httptest.NewServer(a.Handler())
		resp, err := http.Post(s.URL+"/backup", "application/json", strings.NewReader("{}"))
		if err != nil { // it broke off before anything came
			s.Close()
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		s.Close()
		if whole := err == nil && resp.StatusCode == http.StatusOK; whole {
			t.Errorf("%s: %d bytes are taken for a copy", name, len(body))
		}
	}
}

func TestCheckAdminAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:9091": true, "[::1]:9091": true, "127.1.2.3:0": true, "0.0.0.0:9091": false, ":9091": false, "192.0.2.1:9091": false, "localhost:9091": false, "127.0.0.1": false, "": false,
	} {
		if got := CheckAdminAddress(address) == nil; got != want {
			t.Errorf("%q: %t, want %t", address, got, want)
		}
	}
}
