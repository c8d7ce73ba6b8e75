package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aggregator/internal/testkit"
)

// socketClient returns a client that sends every request over a socket.
func socketClient(t *testing.T, path string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: testkit.Patience}
}

// TestListenUnix serves on a socket, over which callers are who the header says.
func TestListenUnix(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.sock")
	r := newRig(t)
	p := r.start(t, nil, "--store", "memory:", "--listen", "unix:"+path)
	if !strings.Contains(p.Log.String(), `"msg":"serving","address":"unix:`+path+`","tls":"off"`) {
		t.Errorf("the log does not tell where it serves: %s", p.Log)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the socket: %v, %v, want mode 0660", info, err)
	}
	client := socketClient(t, path)
	read := func(bot string, headers ...string) answer {
		t.Helper()
		a, err := testkit.Do(t.Context(), client, "GET", "http://any.example/api/bots/"+bot, "", headers...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	const from, missing = "X-Forwarded-For", "requests come over the socket without X-Forwarded-For: they count as one caller, 127.0.0.1"
	bot := newBot()
	read(bot, from, "192.0.2.1").Want(t, 200)
	read(bot, from, "192.0.2.2").Want(t, 200) // has a window of its own
	read(bot, from, "203.0.113.9, 192.0.2.2").Want(t, 429)
	if log := p.Log.String(); strings.Contains(log, "ignored") || strings.Contains(log, missing) || !strings.Contains(log, `"ip":"192.0.2.1"`) {
		t.Errorf("log with the header: %s", log)
	}
	read(bot).Want(t, 200)
	if a := read(bot); a.Status != 429 || a.Header.Get("X-Rate-Limit-IP") != "127.0.0.1" {
		t.Errorf("without the header, again: %d, limited %q, want 429 of 127.0.0.1", a.Status, a.Header.Get("X-Rate-Limit-IP"))
	}
	read(bot, from, "unix:").Want(t, 429)
	if got := strings.Count(p.Log.String(), missing); got != 1 {
		t.Errorf("told %d times that the header is missing, want once: %s", got, p.Log)
	}

	other := runToEnd(t, nil, "serve", "--store", "memory:", "--listen", "unix:"+path)
	if want := "--listen: another program serves on " + path; other.Code != exitFailed || !strings.Contains(other.ErrOut, want) {
		t.Errorf("a second one: ended with %d: %s\nwant %s", other.Code, other.ErrOut, want)
	}
	read(newBot(), from, "192.0.2.1").Want(t, 200) // the first one serves on

	p.exe.Signal(t, syscall.SIGKILL)
	p.exe.Code(t)
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("nothing is left of one that was killed: %v", err)
	}
	p = r.start(t, nil, "--store", "memory:", "--listen", "unix:"+path)
	read(newBot(), from, "192.0.2.1").Want(t, 200)
	p.exe.Signal(t, syscall.SIGTERM)
	if code := p.exe.Code(t); code != exitDone {
		t.Errorf("ended with %d: %s", code, p.Log)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// TestAddressFaults are addresses and files that cannot be served with.
func TestAddressFaults(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := testkit.WriteKeyPair(t, folder, "one.example")
	_, otherKey := testkit.WriteKeyPair(t, t.TempDir(), "two.example")
	file := write(t, "file", "kept")
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--listen unix:", exitUsage, "--listen: the socket has no path"},
		{"--listen unix:" + file, exitFailed, "--listen: " + file + " is there, and is not a socket"},
		{"--listen unix:" + folder + "/none/x.sock", exitFailed, "--listen: listen unix"},
		{"--listen nowhere", exitFailed, "--listen: listen tcp: address nowhere: missing port"},
		{"--tls-cert " + cert, exitUsage, "--tls-cert and --tls-key go together"},
		{"--tls-key " + key, exitUsage, "--tls-cert and --tls-key go together"},
		{"--tls-cert " + cert + " --tls-key " + folder + "/none", exitFailed, "--tls-cert, --tls-key: open " + folder + "/none"},
		{"--tls-cert " + cert + " --tls-key " + otherKey, exitFailed, "private key does not match public key"},
		{"--tls-cert " + file + " --tls-key " + key, exitFailed, "failed to find any PEM data in certificate input"},
	} {
		args := append([]string{"serve", "--store", "memory:", "--listen", anyPort}, strings.Fields(tt.args)...)
		e := runToEnd(t, nil, args...)
		if e.Code != tt.code || !strings.Contains(e.ErrOut, tt.want) || strings.Contains(e.ErrOut, "kept") {
			t.Errorf("%s: ended with %d: %s\nwant %d %s", tt.args, e.Code, e.ErrOut, tt.code, tt.want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "kept" {
		t.Errorf("the file at the socket's path: %q, %v", text, err)
	}
}

// TestTLS serves with TLS, and takes a new certificate at a hang-up signal.
func TestTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := testkit.WriteKeyPair(t, folder, "one.example")
	p := newRig(t).start(t, nil, "--store", "memory:", "--tls-cert", cert, "--tls-key", key)
	if !strings.Contains(p.Log.String(), `"tls":"one.example until 2100-01-02T03:04:05Z"`) {
		t.Errorf("the log does not tell of the certificate: %s", p.Log)
	}
	address := strings.TrimPrefix(p.Base, "http://")
	get := func(host string) (answer, error) {
		pool := x509.NewCertPool()
		text, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		pool.AppendCertsFromPEM(text)
		client := &http.Client{Timeout: testkit.Patience, Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: host},
		}}
		return testkit.Do(t.Context(), client, "GET", "https://"+address+"/api/lists", "")
	}
	if a, err := get("one.example"); err != nil || a.Status != 200 {
		t.Fatalf("%d, %v", a.Status, err)
	}
	if a := testkit.Send(t, "GET", p.Base+"/api/lists", ""); a.Status != 400 || !strings.Contains(a.Body, "HTTP request to an HTTPS server") {
		t.Errorf("without TLS: %d %s", a.Status, a.Body)
	}

	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.exe.Signal(t, syscall.SIGHUP)
	testkit.Wait(t, "the warning", func() bool {
		return strings.Contains(p.Log.String(), `"level":"WARN","msg":"the certificate is not reloaded; the old one stays","error":"`+cert)
	})
	if strings.Contains(p.Log.String(), "no key") {
		t.Errorf("the log tells what the key holds: %s", p.Log)
	}
	if a, err := get("one.example"); err != nil || a.Status != 200 {
		t.Errorf("with a broken key in its file: %d, %v", a.Status, err)
	}

	testkit.WriteKeyPair(t, folder, "two.example")
	p.exe.Signal(t, syscall.SIGHUP)
	testkit.Wait(t, "the new certificate", func() bool {
		return strings.Contains(p.Log.String(), `"msg":"certificate reloaded","names":["two.example"],"until":"2100-01-02T03:04:05Z"`)
	})
	if a, err := get("two.example"); err != nil || a.Status != 200 {
		t.Errorf("with the new certificate: %d, %v", a.Status, err)
	}
}

// TestTLSVersions offers what a service is to refuse, and what it is to take.
func TestTLSVersions(t *testing.T) {
	t.Parallel()
	cert, key := testkit.WriteKeyPair(t, t.TempDir(), "one.example")
	s := boot(t, "--tls-cert", cert, "--tls-key", key)
	for _, tt := range []struct {
		version uint16
		ok      bool
	}{{tls.VersionTLS10, false}, {tls.VersionTLS11, false}, {tls.VersionTLS12, true}, {tls.VersionTLS13, true}} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.Base, "http://"), &tls.Config{
			MinVersion: tt.version, MaxVersion: tt.version, InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"},
		})
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tls.VersionName(tt.version), err)
		}
		if err != nil {
			continue
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("%s: speaks %q, want http/1.1", tls.VersionName(tt.version), got)
		}
		_, _ = fmt.Fprint(conn, "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
		status := make([]byte, 12)
		if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 200" {
			t.Errorf("%s: %q, %v", tls.VersionName(tt.version), status, err)
		}
		_ = conn.Close()
	}
}
