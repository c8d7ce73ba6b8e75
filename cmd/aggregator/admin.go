package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"aggregator/httpapi"
)

// adminNetwork returns the network and address of --admin. The error is a
// usageError.
func adminNetwork(admin string) (network, address string, err error) {
	network, address, err = splitAddress("admin", admin)
	if err == nil && network == "tcp" {
		if bad := httpapi.CheckAdminAddress(admin); bad != nil {
			err = usagef("--admin %q: %w", admin, bad)
		}
	}
	return network, address, err
}

// serveAdmin serves the admin address, until its server is closed.
func serveAdmin(admin string, a httpapi.Admin, log *slog.Logger) (*http.Server, error) {
	if _, _, err := adminNetwork(admin); err != nil {
		return nil, err
	}
	listener, err := listenAt("admin", admin, adminMode)
	if err != nil {
		return nil, err
	}
	server := httpapi.NewHTTPServer(a.Handler(), log)
	go func() { _ = server.Serve(listener) }() // ends with Close
	log.Info("serving admin", "admin_address", addressOf(listener))
	return server, nil
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
