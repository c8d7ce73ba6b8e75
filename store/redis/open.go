package redis

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"aggregator/internal/errno"
)

// errURL says nothing of the URL: where one is malformed, any part of it may be
// the password.
var errURL = errors.New("store: not a Redis URL: want redis://user:password@host:port/db, or rediss:// for TLS; " +
	"in the password / is written %2F, ? %3F, # %23, @ %40, : %3A, % %25")

func parse(text string, opts options) (config, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" ||
		u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") {
		return config{}, errURL
	}
	db := 0
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		if db, err = strconv.Atoi(path); err != nil || db < 0 {
			return config{}, errURL
		}
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	password, _ := u.User.Password()
	c := config{
		address:  net.JoinHostPort(u.Hostname(), port),
		username: u.User.Username(), password: password,
		db:          db,
		dialTimeout: opts.start / 2,
		callTimeout: 2 * opts.start,
	}
	if u.Scheme == "rediss" {
		c.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, RootCAs: opts.roots}
	}
	return c, nil
}

var errDamaged = errors.New("has something else under " + secretKey + ": it is another program's, or damaged")

// refusals are what servers say and what to do about it. Their own words are
// never shown, for some repeat the command, and with it the password.
var refusals = []struct{ says, means string }{
	{"WRONGPASS", "does not accept the user or password in the URL"},
	{"invalid password", "does not accept the password in the URL"},
	{"without any password configured", "has no password set: leave it out of the URL"},
	{"no password is set", "has no password set: leave it out of the URL"},
	{"NOAUTH", "wants a password: redis://user:password@host:port/db"},
	{"NOPERM", "forbids this user what is needed: allow ~aggregator:* &aggregator:* +@connection +@read +@write +publish +subscribe +eval +evalsha +time"},
	{"DB index is out of range", "has no database of the number in the URL"},
	{"SELECT is not allowed", "is a cluster, which has database 0 alone: leave the number out of the URL"},
	{"MOVED", "is one node of a cluster, and another one has our keys (" + prefix + "*): give that one's address"},
	{"CLUSTERDOWN", "is a node of a cluster that is down"},
	{"READONLY", "is a replica: give the address of the primary"},
	{"MASTERDOWN", "is a replica: give the address of the primary"},
	{"LOADING", "is still loading its data: try again in a while"},
	{"BUSY", "is busy with another program's script: try again in a while"},
	{"MISCONF", "refuses writes because it cannot save its data: see its log"},
	{"OOM", "has no memory left: raise its maxmemory"},
	{"max number of clients", "has no connection left: raise its maxclients"},
	{"unknown command", "cannot run scripts: use Redis 5 or newer"},
	{"non deterministic", "is too old: use Redis 5 or newer"},
}

// explain says what is wrong with Redis, as the rest of a sentence that begins
// with it, and never a part of the URL.
func explain(err error) string {
	if answered(err) {
		for _, r := range refusals {
			if strings.Contains(err.Error(), r.says) {
				return r.means
			}
		}
		return "answers with an error that is not known here: see its log"
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "shows a certificate that is not trusted: " + e.Err.Error()
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "does not speak TLS: write redis:// instead of rediss://"
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return "has a name that is not known: correct the URL"
	}
	if timedOut(err) || errors.Is(err, errSlow) {
		return "does not answer in time: check that it runs, the address, and firewalls"
	}
	switch {
	case errors.Is(err, errSecret), errors.Is(err, errDamaged), errors.Is(err, errLost):
		return strings.TrimPrefix(err.Error(), "store: Redis ")
	case errno.IsRefused(err):
		return "refuses connections: start it, or correct the URL"
	case errors.Is(err, io.EOF), errno.IsReset(err):
		return "hangs up: check that it runs; if it speaks TLS, write rediss://"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return "cannot be reached: " + e.Err.Error()
	}
	return "does not answer as Redis does: correct the URL; if it speaks TLS, write rediss://"
}
