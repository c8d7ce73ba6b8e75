package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"aggregator/internal/testkit"
)

// TestHealthCommand asks a service that is well, that is below a path, that shuts
// down, and that is not there.
func TestHealthCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, "--base-path", "/botlists")
	address := strings.TrimPrefix(s.Base, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	nobody := freeAddress(t)
	for _, tt := range []struct {
		name    string
		environ []string
		args    []string
		code    int
		out     string
		errOut  string // begins so
	}{
		{"by URL", nil, []string{"--url", s.Base + "/botlists"}, exitDone, s.Base + "/botlists: OK\n", ""},
		{"by the URL of its health", nil, []string{"--url", s.Base + "/botlists/api/health"}, exitDone, s.Base + "/botlists/api/health: OK\n", ""},
		{"by URL and the environment of the service", []string{"AGGREGATOR_BASE_PATH=/botlists"}, []string{"--url", s.Base}, exitDone, s.Base + ": OK\n", ""},
		{"by its address", nil, []string{"--listen", address, "--base-path", "/botlists"}, exitDone, s.Base + ": OK\n", ""},
		{"by the environment of the service", []string{"AGGREGATOR_LISTEN=:" + port, "AGGREGATOR_BASE_PATH=/botlists"}, nil, exitDone, "http://localhost:" + port + ": OK\n", ""},
		{"whether it lives", nil, []string{"--url", s.Base + "/botlists", "--live"}, exitDone, s.Base + "/botlists: OK\n", ""},
		{"elsewhere", nil, []string{"--url", s.Base + "/elsewhere"}, exitFailed, "", "aggregator health: " + s.Base + "/elsewhere answers 404: "},
		{"nobody", nil, []string{"--listen", nobody}, exitFailed, "", "aggregator health: http://" + nobody + ": dial tcp " + nobody + ": "},
		{"no socket", nil, []string{"--listen", "unix:/nowhere.sock"}, exitFailed, "", "aggregator health: unix:/nowhere.sock: dial unix /nowhere.sock: "},
		{"http, over TLS", nil, []string{"--listen", address, "--tls-cert", "cert.pem"}, exitFailed, "", "aggregator health: https://" + address + ": http: server gave HTTP response to HTTPS client"},
		{"no URL", nil, []string{"--url", "localhost:8080"}, exitUsage, "", "aggregator health: --url must be a URL such as "},
		{"URL of something else", nil, []string{"--url", "ftp://localhost"}, exitUsage, "", "aggregator health: --url must be a URL such as "},
		{"URL and address", nil, []string{"--url", s.Base, "--listen", address}, exitUsage, "", "aggregator health: --url and --listen do not go together"},
		{"port that nobody knows", nil, []string{"--listen", "127.0.0.1:0"}, exitUsage, "", `aggregator health: --listen "127.0.0.1:0": want the HOST:PORT or unix:PATH`},
		{"no port", nil, []string{"--listen", "localhost"}, exitUsage, "", `aggregator health: --listen "localhost": want `},
		{"path", nil, []string{"--base-path", "botlists"}, exitUsage, "", "aggregator health: --base-path: want a path such as /botlists"},
		{"too long", nil, []string{"--timeout", "2m"}, exitUsage, "", "aggregator health: --timeout must be from 1ms to 1m, is 2m0s"},
	} {
		code, out, errOut := runWith(t, tt.environ, append([]string{"health"}, tt.args...)...)
		if code != tt.code || out != tt.out || !strings.HasPrefix(errOut, tt.errOut) || (tt.errOut == "") != (errOut == "") {
			t.Errorf("%s: exit %d, said %q and %q, want exit %d, %q and %q", tt.name, code, out, errOut, tt.code, tt.out, tt.errOut)
		}
	}
	code, out, errOut := runWith(t, nil, "health", "--url", s.Base+"/botlists", "--verbose")
	if code != exitDone || errOut != "" || member(t, out, "status") != `"ok"` || !strings.Contains(out, "\n  \"catalog\": {\n") {
		t.Errorf("--verbose: exit %d, %s%s", code, out, errOut)
	}
}

// freeAddress returns an address of loopback where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestHealthCommandAsks plays services that say what a service can say.
func TestHealthCommandAsks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	var answer http.HandlerFunc
	h := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		asked = append(asked, q.Host+" "+q.Method+" "+q.URL.RequestURI())
		answer := answer
		mu.Unlock()
		answer(w, q)
	})
	socket := filepath.Join(t.TempDir(), "s.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	onSocket := httptest.NewUnstartedServer(h)
	onSocket.Listener.Close()
	onSocket.Listener = listener
	onSocket.Start()
	t.Cleanup(onSocket.Close)
	overTLS := httptest.NewTLSServer(h) // with a certificate of its own, of no name of this machine
	t.Cleanup(overTLS.Close)
	address := strings.TrimPrefix(overTLS.URL, "https://")
	for _, tt := range []struct {
		name        string
		answer      http.HandlerFunc
		args        []string
		code        int
		said, asked string
	}{
		{"on a socket", testkit.Say(200, "text/plain", "OK"), []string{"--listen", "unix:" + socket}, exitDone, "unix:" + socket + ": OK\n", "localhost GET /api/health"},
		{"over TLS", testkit.Say(200, "text/plain", "OK"), []string{"--listen", address, "--tls-cert", "cert.pem"}, exitDone, overTLS.URL + ": OK\n", address + " GET /api/health"},
		{"over TLS, by URL", testkit.Say(200, "text/plain", "OK"), []string{"--url", overTLS.URL, "--live"}, exitDone, overTLS.URL + ": OK\n", address + " GET /api/health?live="},
		{"shutting down", testkit.Say(503, "text/plain", "Shutting down"), []string{"--url", overTLS.URL}, exitFailed, "aggregator health: " + overTLS.URL + " answers 503: Shutting down\n", address + " GET /api/health"},
		{"shutting down, in full", testkit.Say(503, "application/json", `{"status":"shutting down"}`), []string{"--url", overTLS.URL, "--verbose", "--live"}, exitFailed,
			"{\n  \"status\": \"shutting down\"\n}\naggregator health: " + overTLS.URL + " answers 503\n", address + " GET /api/health?live=&verbose="},
		{"elsewhere", testkit.Redirect(302, "/login"), []string{"--url", overTLS.URL + "/x/"}, exitFailed, "aggregator health: " + overTLS.URL + "/x/ answers 302: ", address + " GET /x/api/health"},
		{"what would move a terminal's cursor", testkit.Say(500, "text/plain", "\x1b[2J"), []string{"--url", overTLS.URL}, exitFailed, "aggregator health: " + overTLS.URL + ` answers 500: "\x1b[2J"` + "\n", address + " GET /api/health"},
		{"nothing", testkit.Hang, []string{"--listen", "unix:" + socket, "--timeout", "20ms"}, exitFailed, "aggregator health: unix:" + socket + ": no answer within 20ms\n", ""}, // it may not even have been asked
	} {
		mu.Lock()
		asked, answer = nil, tt.answer
		mu.Unlock()
		code, out, errOut := runWith(t, nil, append([]string{"health"}, tt.args...)...)
		if code != tt.code || !strings.HasPrefix(out+errOut, tt.said) || (code == exitDone) != (errOut == "") {
			t.Errorf("%s: exit %d, said %q and %q, want exit %d and %q", tt.name, code, out, errOut, tt.code, tt.said)
		}
		mu.Lock()
		if tt.asked != "" && (len(asked) != 1 || asked[0] != tt.asked) {
			t.Errorf("%s: asked %q, want %q", tt.name, asked, tt.asked)
		}
		mu.Unlock()
	}
}

func TestDialListen(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":8080": "localhost:8080", "0.0.0.0:80": "localhost:80", "[::]:80": "localhost:80", "[::1]:80": "[::1]:80", "10.0.0.1:80": "10.0.0.1:80",
		"unix:/run/a.sock": "localhost", "lists.example:http": "lists.example:http",
	} {
		if _, got, err := dialListen(listen); got != want || err != nil {
			t.Errorf("%s: asks for %q, %v, want %q", listen, got, err, want)
		}
	}
}

// TestHealthCommandOfService asks services that serve TLS, and on a socket, as the
// check of a container does: with the variables of the service alone.
func TestHealthCommandOfService(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := testkit.WriteKeyPair(t, folder, "one.example")
	s := boot(t, "--tls-cert", cert, "--tls-key", key)
	address := strings.TrimPrefix(s.Base, "http://")
	socket := "unix:" + filepath.Join(folder, "s.sock")
	boot(t, "--listen", socket)
	for _, tt := range []struct {
		name    string
		environ []string
		args    []string
		code    int
		said    string
	}{
		{"TLS", []string{"AGGREGATOR_LISTEN=" + address, "AGGREGATOR_TLS_CERT=" + cert, "AGGREGATOR_TLS_KEY=" + key}, nil, exitDone, "https://" + address + ": OK\n"},
		{"TLS, unasked for", nil, []string{"--listen", address}, exitFailed, "aggregator health: http://" + address + " answers 400: Client sent an HTTP request to an HTTPS server."},
		{"a socket", []string{"AGGREGATOR_LISTEN=" + socket}, nil, exitDone, socket + ": OK\n"},
		{"a socket without a path", []string{"AGGREGATOR_LISTEN=unix:"}, nil, exitUsage, "aggregator health: --listen: the socket has no path"},
	} {
		code, out, errOut := runWith(t, tt.environ, append([]string{"health"}, tt.args...)...)
		if code != tt.code || !strings.HasPrefix(out+errOut, tt.said) {
			t.Errorf("%s: exit %d, said %q and %q, want exit %d and %q", tt.name, code, out, errOut, tt.code, tt.said)
		}
	}
}
