package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// libraryRequest is a count as a client library of the reference posts it.
type libraryRequest struct {
	Name, Source string
	Headers      map[string]string
	Body, Sent   json.RawMessage
	UserAgent    string `json:"user_agent"` // that the list must see; "": whichever
}

// TestLibraries posts what each client library of the reference posts, and looks at
// what the list gets, and at what the library reads of the answers.
func TestLibraries(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/libraries.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []libraryRequest
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	page := readDocument(t, "docs/compatibility.md")
	for _, l := range all {
		version, _, _ := strings.Cut(l.Name, ",")
		if name, number, _ := strings.Cut(version, " "); !strings.Contains(page, "["+name+"]") || !strings.Contains(page, ") "+number+" (") {
			t.Errorf("docs/compatibility.md does not have %s", version)
		}
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := r.bootLimited(t)
			headers := []string{"User-Agent", ""}
			for name, value := range l.Headers {
				headers = append(headers, name, value)
			}
			body := strings.Replace(string(l.Body), `"BOT"`, quoted(newBot()), 1)
			c := s.post(t, body, headers...)
			if c.Success["array.test"].status != 200 {
				t.Errorf("the answer is %s", c.raw)
			}
			asked := r.Only(t)
			wantJSON(t, "what the list got", asked.Body, string(l.Sent))
			if asked.Header.Get("Authorization") != "s3cret" {
				t.Errorf("the list got the token %q", asked.Header.Get("Authorization"))
			}
			if got := asked.Header.Get("User-Agent"); got == "" || l.UserAgent != "" && got != l.UserAgent {
				t.Errorf("the list saw the User-Agent %q", got)
			}
			again := testkit.Send(t, "POST", s.Base+"/api/count", body, headers...)
			again.Want(t, 429)
			for _, name := range []string{"retry_after", "ratelimit_bot_id", "ratelimit_ip", "ratelimit_route"} {
				if member(t, again.Body, name) == "" {
					t.Errorf("a 429 lacks %s: %s", name, again.Body)
				}
			}
		})
	}
}

// TestLibrariesArePointedHere runs what docs/compatibility.md says for pointing
// libraries here, beside what stands for them.
func TestLibrariesArePointedHere(t *testing.T) {
	t.Parallel()
	const page, here = "docs/compatibility.md", "http://localhost:8080"
	t.Run("BLAPI", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		file := filepath.Join(folder, "node_modules/blapi/dist/main.js")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		calls := []string{"get('%s/api/lists?filter=true')", "get('%s/api/legacy-ids')", "post('%s/api/count')", "post('%s/api/count')"}
		code := strings.Join(calls, "\n")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(code, "%s", "https://botblock.org")), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", snippets(t, page, "sh")[0])
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != strings.ReplaceAll(code, "%s", here) {
			t.Errorf("%v, it calls\n%s", err, got)
		}
	})
	t.Run("discordlists.py", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("python3"); err != nil {
			t.Skip("NOT TESTED: no python3")
		}
		const before = "from types import SimpleNamespace\nbot = None\n" +
			"discordlists = SimpleNamespace(Client=lambda bot: SimpleNamespace(base=SimpleNamespace(base=\"https://botblock.org/api/\")))\n"
		e := testkit.RunToEnd(t, exec.CommandContext(t.Context(), "python3", "-c", before+snippets(t, page, "python")[0]+"print(client.base.base + \"count\")"))
		if e.Code != 0 || strings.TrimSpace(e.Out) != here+"/api/count" {
			t.Errorf("ended with %d, it calls %s%s", e.Code, e.Out, e.ErrOut)
		}
	})
	t.Run("JavaBotBlockAPI", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("javac"); err != nil {
			t.Skip("NOT TESTED: no javac")
		}
		code := "class RequestHandler {\n" + snippets(t, page, "java")[0] + "public static void main(String[] a) { System.out.println(new RequestHandler().BASE_URL + \"count\"); }\n}\n"
		e := testkit.RunToEnd(t, exec.CommandContext(t.Context(), "java", write(t, "RequestHandler.java", code)))
		if e.Code != 0 || strings.TrimSpace(e.Out) != here+"/api/count" {
			t.Errorf("ended with %d, it calls %s%s", e.Code, e.Out, e.ErrOut)
		}
	})
}

// TestHostsEntry has a client that knows botblock.org alone post here: through the
// entry in its hosts file, and the server with a certificate, that
// docs/compatibility.md shows.
func TestHostsEntry(t *testing.T) {
	t.Parallel()
	host := strings.Fields(snippets(t, "docs/compatibility.md", "text")[0])
	config := snippets(t, "docs/compatibility.md", "caddy")[0]
	if _, err := exec.LookPath("caddy"); err != nil {
		t.Skip("NOT TESTED: no caddy")
	}
	r := newRig(t)
	s := r.boot(t, "--trusted-proxies", "127.0.0.1/32")
	port := newPorts().of("443")
	config = fmt.Sprintf("{\n\tadmin off\n\thttps_port %s\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n", port) +
		strings.Replace(config, "127.0.0.1:8080", strings.TrimPrefix(s.Base, "http://"), 1)
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "caddy", "run", "--adapter", "caddyfile", "--config", write(t, "Caddyfile", config))
	cmd.Env = []string{"HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_CONFIG_HOME=" + folder}
	log := &testkit.Log{}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = log, log, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	bot := newBot()
	testkit.Eventually(t, func() error {
		root, err := os.ReadFile(filepath.Join(folder, "caddy/pki/authorities/local/root.crt"))
		if err != nil {
			return fmt.Errorf("%w: %s", err, log)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(root)
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) { // the hosts file
				if name, _, _ := net.SplitHostPort(address); name != host[1] {
					return nil, fmt.Errorf("no entry of %s", address)
				}
				return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(host[0], port))
			},
		}
		defer transport.CloseIdleConnections()
		a, err := testkit.Do(t.Context(), &http.Client{Transport: transport}, "POST", "https://botblock.org/api/count", countBody(bot, `"array.test":"s3cret"`))
		if err != nil || a.Status != 200 || !strings.Contains(a.Body, `"success":{"array.test":[200`) {
			return fmt.Errorf("%w: %d %s: %s", err, a.Status, a.Body, log)
		}
		return nil
	})
}
