package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"aggregator/httpapi"
)

// unixPrefix begins an admin address that is a socket's path.
const unixPrefix = "unix:"

// adminNetwork returns the network and address of --admin. The error is a
// usageError.
func adminNetwork(admin string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(admin, unixPrefix); ok {
		if path == "" {
			return "", "", usagef("--admin: the socket has no path")
		}
		return "unix", path, nil
	}
	if err := httpapi.CheckAdminAddress(admin); err != nil {
		return "", "", usagef("--admin %q: %w", admin, err)
	}
	return "tcp", admin, nil
}

// serveAdmin serves the admin address, until its server is closed.
func serveAdmin(admin string, a httpapi.Admin, log *slog.Logger) (*http.Server, error) {
	network, address, err := adminNetwork(admin)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		removeStale(address)
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	if network == "unix" {
		if err := os.Chmod(address, 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("--admin: %w", err), listener.Close())
		}
	}
	server := httpapi.NewHTTPServer(a.Handler(), log)
	go func() { _ = server.Serve(listener) }() // ends with Close
	log.Info("serving admin", "admin_address", listener.Addr().String())
	return server, nil
}

// removeStale removes a socket that nobody listens on any longer.
func removeStale(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close() // somebody does: listening will fail
		return
	}
	_ = os.Remove(path) // listening tells where that fails
}

// adminFlag is the flag of commands that ask a running service.
type adminFlag struct{ address string }

func (f *adminFlag) add(fs *flag.FlagSet) {
	fs.StringVar(&f.address, "admin", "", "`ADDRESS` that the running service has as its --admin: unix:PATH, or 127.0.0.1:PORT")
}

// ask asks the running service. It returns the answer's body, which the caller
// closes.
func (f *adminFlag) ask(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	if f.address == "" {
		return nil, usagef("--admin is missing: the --admin of the running service")
	}
	network, address, err := adminNetwork(f.address)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the service at %s cannot be asked: %w", f.address, errors.Unwrap(err))
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		var said httpapi.AdminError
		if err := json.NewDecoder(io.LimitReader(resp.Body, httpapi.MaxBody)).Decode(&said); err != nil {
			return nil, fmt.Errorf("the service at %s answers %s", f.address, resp.Status)
		}
		if resp.StatusCode == http.StatusBadRequest {
			return nil, usagef("%s", said.Message)
		}
		return nil, errors.New(said.Message)
	}
	return resp.Body, nil
}

// backup has a running service copy its store to a file.
func backup(fs *flag.FlagSet) action {
	var f adminFlag
	f.add(fs)
	return func(ctx context.Context, _ environment, operands []string) error {
		return f.backup(ctx, operands[0])
	}
}

func (f *adminFlag) backup(ctx context.Context, name string) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s is there already, and is not overwritten", name)
	}
	body, err := f.ask(ctx, http.MethodPost, "/backup", struct{}{})
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// holds shows what a running service holds back, or lifts a hold.
func holds(fs *flag.FlagSet) action {
	var f adminFlag
	f.add(fs)
	list := fs.String("list", "", "`ID` of the only list to show")
	return func(ctx context.Context, env environment, operands []string) error {
		if len(operands) > 0 {
			return f.lift(ctx, env, operands[1])
		}
		return f.showHolds(ctx, env, *list)
	}
}

func (f *adminFlag) lift(ctx context.Context, env environment, id string) error {
	body, err := f.ask(ctx, http.MethodPost, "/holds/lift", map[string]string{"id": id})
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	var h httpapi.Hold
	if err := json.NewDecoder(body).Decode(&h); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.out, "lifted: %s %s until %s\n", h.List, h.Kind, h.Until.UTC().Format(time.RFC3339))
	return err
}

func (f *adminFlag) showHolds(ctx context.Context, env environment, list string) error {
	path := "/holds"
	if list != "" {
		path += "?list=" + url.QueryEscape(list)
	}
	body, err := f.ask(ctx, http.MethodGet, path, struct{}{})
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	var a httpapi.AdminHolds
	if err := json.NewDecoder(body).Decode(&a); err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tLIST\tKIND\tUNTIL")
	for _, h := range a.Holds {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h.ID, h.List, h.Kind, h.Until.UTC().Format(time.RFC3339))
	}
	if len(a.Circuits) > 0 {
		_, _ = fmt.Fprintln(w, "\nCIRCUIT\tDIRECTION\tSTATE\tNEXT TRY")
		for _, c := range a.Circuits {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.List, c.Direction, c.State, c.NextTry.UTC().Format(time.RFC3339))
		}
	}
	return w.Flush()
}
