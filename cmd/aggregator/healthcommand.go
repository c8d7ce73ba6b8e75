package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"aggregator/httpapi"
	"aggregator/web"
)

const (
	// defaultHealthTimeout is how long a service has to say that it is well: less
	// than what is usual for the checks of containers, so that its line is seen.
	defaultHealthTimeout = 3 * time.Second
	maxHealthTimeout     = time.Minute
	// maxHealthAnswer bounds what is read of an answer, in bytes.
	maxHealthAnswer = 64 << 10
	healthPath      = "/api/health"
)

// healthFlags say which running service is asked, and what.
type healthFlags struct {
	url, listen, basePath, tlsCert string
	live, verbose                  bool
	timeout                        time.Duration
}

// askHealth asks a running service whether it is well.
func askHealth(fs *flag.FlagSet) action {
	var f healthFlags
	fs.StringVar(&f.url, "url", "", "`URL` of the service, such as https://lists.example; if not given, the one of this machine that --listen and --tls-cert describe")
	fs.StringVar(&f.listen, "listen", defaultListen, "`ADDRESS` that the service has as its --listen: HOST:PORT, or unix:PATH")
	fs.StringVar(&f.basePath, "base-path", "", "`PATH` that the service has as its --base-path")
	secretPathVar(fs, &f.tlsCert, "tls-cert", "`FILE` that the service has as its --tls-cert: it is asked over TLS then")
	fs.BoolVar(&f.live, "live", false, "ask whether the process lives, not whether it should be sent requests: shutting down is well then")
	fs.BoolVar(&f.verbose, "verbose", false, "print all that the service says of itself, as JSON")
	fs.DurationVar(&f.timeout, "timeout", defaultHealthTimeout, "`TIME` that the service has to answer, 1ms to 1m")
	return func(ctx context.Context, env environment, _ []string) error { return f.ask(ctx, env) }
}

func (f *healthFlags) ask(ctx context.Context, env environment) error {
	if err := f.check(env); err != nil {
		return err
	}
	target, err := f.target()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	status, body, err := target.get(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", f.timeout)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", target.name, err)
	}
	said := ": " + shorten(printable(strings.TrimSpace(string(body))), 200)
	var indented bytes.Buffer
	if f.verbose && json.Indent(&indented, body, "", "  ") == nil {
		_, _ = fmt.Fprintln(env.out, indented.String())
		said = ""
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s answers %d%s", target.name, status, said)
	}
	if said != "" {
		_, err = fmt.Fprintln(env.out, target.name+said)
	}
	return err
}

// check returns a usageError for flags that say what they must not.
func (f *healthFlags) check(env environment) error {
	f.basePath = strings.TrimSuffix(f.basePath, "/")
	if err := web.CheckBasePath(f.basePath); err != nil {
		return usagef("--base-path: %w", err)
	}
	switch {
	case f.timeout < time.Millisecond || f.timeout > maxHealthTimeout:
		return usagef("--timeout must be from 1ms to 1m, is %s", f.timeout)
	case f.url != "" && env.given["listen"]:
		return usagef("--url and --listen do not go together")
	}
	return nil
}

// healthTarget is a service that can be asked.
type healthTarget struct {
	name      string // as people are told
	url       string
	transport *http.Transport
}

// target returns what the flags describe. The error is a usageError.
func (f *healthFlags) target() (*healthTarget, error) {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: new(tls.Config)}
	t := &healthTarget{name: f.url, transport: transport}
	var base *url.URL
	var err error
	if f.url != "" {
		if base, err = f.parseURL(); err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyFromEnvironment
		transport.TLSClientConfig.InsecureSkipVerify = httpapi.IsLoopbackHost(base.Hostname()) // where nobody else can answer
	} else {
		dial, host, err := dialListen(f.listen)
		if err != nil {
			return nil, err
		}
		base = &url.URL{Scheme: "http", Host: host}
		if f.tlsCert != "" {
			base.Scheme = "https"
		}
		transport.DialContext = dial
		transport.TLSClientConfig.InsecureSkipVerify = true // the names of the certificate are those that others use
		t.name = base.String()
		if strings.HasPrefix(f.listen, unixPrefix) {
			t.name = f.listen
		}
	}
	if strings.Trim(base.Path, "/") == "" {
		base.Path = f.basePath
	}
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), healthPath) + healthPath
	query := url.Values{}
	if f.live {
		query.Set("live", "")
	}
	if f.verbose {
		query.Set("verbose", "")
	}
	base.RawQuery = query.Encode()
	t.url = base.String()
	return t, nil
}

func (f *healthFlags) parseURL() (*url.URL, error) {
	u, err := url.Parse(f.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, usagef("--url must be a URL such as http://localhost:8080")
	}
	return u, nil
}

// dialListen returns how a service of this machine is reached that listens at an
// address, and the host that is asked for there. The error is a usageError.
func dialListen(listen string) (dial func(ctx context.Context, network, address string) (net.Conn, error), host string, err error) {
	network, address, err := splitAddress("listen", listen)
	if err != nil {
		return nil, "", err
	}
	addresses := []string{address}
	if network == "unix" {
		host = "localhost"
	} else {
		name, port, err := net.SplitHostPort(listen)
		if err != nil || port == "" || port == "0" {
			return nil, "", usagef("--listen %q: want the HOST:PORT or unix:PATH at which the service listens", listen)
		}
		if addr, err := netip.ParseAddr(name); name == "" || err == nil && addr.IsUnspecified() {
			// It listens at every address: of IPv4, of IPv6, or of both.
			name = "localhost"
			addresses = []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
		}
		host = net.JoinHostPort(name, port)
	}
	return func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
		var first error
		for _, address := range addresses {
			if conn, err = (&net.Dialer{}).DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
			first = cmp.Or(first, err)
		}
		return nil, first
	}, host, nil
}

// get asks, and returns the status and the body of the answer.
func (t *healthTarget) get(ctx context.Context) (status int, body []byte, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("User-Agent", userAgent)
	client := http.Client{Transport: t.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(q)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // the URL stands before it already
		}
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxHealthAnswer))
	return resp.StatusCode, body, err
}
