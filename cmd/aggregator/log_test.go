package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"aggregator/httpapi"
	"aggregator/internal/testkit"
)

func TestLogFormat(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		args []string
		want string // a beginning
	}{
		{"not a terminal", nil, `{"time":`},
		{"auto", []string{"--log-format", "auto"}, `{"time":`},
		{"json", []string{"--log-format", "json"}, `{"time":`},
		{"text", []string{"--log-format", "text"}, `time=`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var log testkit.Log
			env := environment{out: io.Discard, errOut: &log}
			ctx := canceled(t)
			if code := env.run(ctx, append([]string{"serve", "--listen", anyPort, "--store", "memory:"}, row.args...)); code != exitDone {
				t.Fatalf("exit %d: %s", code, log.String())
			}
			for line := range strings.Lines(log.String()) {
				if !strings.HasPrefix(line, row.want) {
					t.Errorf("%swant it to begin with %s", line, row.want)
				}
			}
		})
	}
}

// canceled returns a context that is canceled: a service that gets it starts,
// and stops at once.
func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// TestServingIsAlwaysLogged has the levels below which nothing else is logged.
func TestServingIsAlwaysLogged(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"debug", "info", "warn", "error"} {
		var log testkit.Log
		env := environment{out: io.Discard, errOut: &log}
		args := []string{"serve", "--listen", anyPort, "--store", "memory:", "--log-level", level, "--trusted-proxies", "10.0.0.0/8", "--limit-count", "off"}
		if code := env.run(canceled(t), args); code != exitDone {
			t.Fatalf("exit %d: %s", code, log.String())
		}
		all := log.Entries(t, "serving")
		if len(all) != 1 {
			t.Fatalf("at %s it is told %d times: %s", level, len(all), log.String())
		}
		e := all[0]
		bounds, _ := e["bounds"].(map[string]any)
		for what, ok := range map[string]bool{
			"address":     strings.HasPrefix(e["address"].(string), "127.0.0.1:"),
			"version":     e["version"] == thisBuild().Version,
			"store":       e["store"] == "memory:",
			"limit_count": e["limit_count"] == "off",
			"limit_bots":  e["limit_bots"] == "1/30s",
			"limit_votes": e["limit_votes"] == "1/5s",
			"proxies":     e["trusted_proxies"] == "10.0.0.0/8",
			"catalog":     strings.Contains(e["catalog"].(string), "lists"),
			"bounds":      bounds["connections"].(float64) > 0 && bounds["requests"].(float64) > 0 && bounds["calls"].(float64) > 0,
		} {
			if !ok {
				t.Errorf("%s: %v", what, e)
			}
		}
		if stopped := len(log.Entries(t, "stopped")); (stopped == 1) != (level == "debug" || level == "info") {
			t.Errorf("at %s, stopped is told %d times", level, stopped)
		}
	}
}

func TestStoreKindShowsNoPassword(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"memory:": "memory:", "sqlite:/var/lib/a.db": "sqlite:/var/lib/a.db", "redis://user:s3cret@host:6379/0": "redis", "rediss://:s3cret@host": "rediss",
	} {
		if got := storeKind(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	environ := []string{
		"PATH=/bin", "AGGREGATOR_LISTEN=:1", "AGGREGATOR_LISTENS=:1", "AGGREGATOR_TOKEN=t", "AGGREGATOR_KEY_LIST_TEST=k",
		"AGGREGATOR_KEY_LST_TEST=s3cret", "AGGREGATOR_NOTHING_LIKE_IT=s3cret", "XAGGREGATOR_X=1",
	}
	want := []string{
		`AGGREGATOR_LISTENS is not a setting, did you mean "AGGREGATOR_LISTEN"?`,
		`AGGREGATOR_KEY_LST_TEST is not a setting, did you mean "AGGREGATOR_KEY_LIST_TEST"?`,
		`AGGREGATOR_NOTHING_LIKE_IT is not a setting`,
	}
	if got := unknownVariables(environ, []string{"AGGREGATOR_KEY_LIST_TEST"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := unknownVariables(environ, nil); len(got) != 2 {
		t.Errorf("where keys are not known: %q", got)
	}
	var log testkit.Log
	env := environment{out: io.Discard, errOut: &log, environ: []string{"AGGREGATOR_LITSEN=:1"}}
	env.run(canceled(t), []string{"serve", "--listen", anyPort, "--store", "memory:"})
	if all := log.Entries(t, "unknown environment variable"); len(all) != 1 || all[0]["level"] != "WARN" || !strings.Contains(all[0]["warning"].(string), `"AGGREGATOR_LISTEN"`) {
		t.Errorf("the log of serve: %s", log.String())
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	info := func(revision, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}}
	}
	for _, row := range []struct {
		stamp string
		info  *debug.BuildInfo
		want  httpapi.Build
	}{
		{"1.2.3", info("0123456789abcdef0123", "false"), httpapi.Build{Version: "1.2.3", Revision: "0123456789ab"}},
		{"", info("0123456789abcdef0123", "false"), httpapi.Build{Version: "0123456789ab", Revision: "0123456789ab"}},
		{"", info("0123456789abcdef0123", "true"), httpapi.Build{Version: "0123456789ab+modified", Revision: "0123456789ab+modified"}},
		{"", &debug.BuildInfo{}, httpapi.Build{Version: "dev"}},
		{"", nil, httpapi.Build{Version: "dev"}},
	} {
		got := newBuild(row.stamp, row.info)
		got.GoVersion = ""
		if got != row.want {
			t.Errorf("%q, %+v: %+v, want %+v", row.stamp, row.info, got, row.want)
		}
	}
	for _, name := range []string{"version", "--version", "-version"} {
		code, out, errOut := runCommand(t, name)
		if code != exitDone || errOut != "" || !strings.HasPrefix(out, "aggregator "+thisBuild().Version+" (revision ") {
			t.Errorf("%s: exit %d, %q %q", name, code, out, errOut)
		}
	}
	if !strings.Contains(userAgent, "/"+thisBuild().Version+" ") {
		t.Errorf("User-Agent %q", userAgent)
	}
}

// TestDrain has health fail before anything else changes.
func TestDrain(t *testing.T) {
	t.Parallel()
	p := newRig(t).start(t, nil, "--store", "memory:", "--drain", "1h", "--metrics", "main")
	p.exe.Signal(t, syscall.SIGTERM)
	testkit.Wait(t, "health to fail", func() bool { return testkit.Send(t, "GET", p.Base+"/api/health", "").Status == 503 })
	if a := testkit.Send(t, "GET", p.Base+"/api/health?live", ""); a.Status != 200 || a.Body != "OK" {
		t.Errorf("live: %d %s", a.Status, a.Body)
	}
	p.count(t, newBot()).Want(t, 200)
	p.exe.Signal(t, syscall.SIGTERM) // a second one ends it at once
	p.exe.Code(t)
	if status, ok := p.exe.Cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended by %v, want by the signal", p.exe.Cmd.ProcessState)
	}
}

// TestDrainEnds has the service stop when it has drained.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	p := newRig(t).start(t, nil, "--store", "memory:", "--drain", "20ms")
	p.exe.Signal(t, os.Interrupt)
	if code := p.exe.Code(t); code != exitDone {
		t.Errorf("ended with %d: %s", code, p.Log)
	}
	for _, want := range []string{`"msg":"shutting down","drain":"20ms"`, `"msg":"stopped","how":"all requests were answered"`} {
		if !strings.Contains(p.Log.String(), want) {
			t.Errorf("no %s in the log: %s", want, p.Log)
		}
	}
}

// TestStopsWithHalfARequest stops a service that is sent a part of a request
// only, and holds an idle connection.
func TestStopsWithHalfARequest(t *testing.T) {
	t.Parallel()
	p := newRig(t).start(t, nil, "--store", "memory:")
	for _, text := range []string{
		"", "GET /api/lists HTTP/1.1\r\nHost: x\r\nX-Ha", "POST /api/count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Send(t, "GET", p.Base+"/api/health", "") // and is idle then
	p.exe.Signal(t, syscall.SIGTERM)
	if code := p.exe.Code(t); code != exitDone {
		t.Errorf("ended with %d: %s", code, p.Log)
	}
	var stopped struct {
		How  string
		Took int `json:"took_ms"`
	}
	_, line, _ := strings.Cut(p.Log.String(), `"msg":"stopped",`)
	line, _, _ = strings.Cut(line, "\n")
	if err := json.Unmarshal([]byte("{"+line), &stopped); err != nil || stopped.How != "all requests were answered" {
		t.Errorf("%v: %s", err, p.Log)
	}
	// It takes some milliseconds; what it must not do is wait for a deadline.
	if stopped.Took >= 5000 {
		t.Errorf("it took %d ms to stop", stopped.Took)
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		size byteSize
		text string
	}{
		"192MiB": {192 << 20, "192MiB"}, "1GiB": {1 << 30, "1GiB"}, "1024MiB": {1 << 30, "1GiB"}, "1536KiB": {1536 << 10, "1536KiB"}, "5": {5, "5B"}, "5B": {5, "5B"}, "64 MiB": {64 << 20, "64MiB"},
	} {
		var b byteSize
		if err := b.Set(text); err != nil || b != want.size || b.String() != want.text {
			t.Errorf("%s: %d %s, %v; want %d %s", text, b, &b, err, want.size, want.text)
		}
	}
	for _, text := range []string{"", "MiB", "0MiB", "-1MiB", "1.5GiB", "192MB", "9999999999GiB", "many"} {
		var b byteSize
		if err := b.Set(text); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}
