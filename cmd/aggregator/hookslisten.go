package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"aggregator/lists"
	"aggregator/votes"
)

// hooksListen takes votes as a bot's own endpoint does, for trying out.
func hooksListen(fs *flag.FlagSet) action {
	secret := secretFlag{name: "secret"}
	host := fs.String("host", "127.0.0.1", "`HOST` to listen at; 0.0.0.0 for all addresses of this machine")
	port := fs.Int("port", 9000, "`PORT` to listen at; 0 picks one")
	secret.add(fs, "the secret that signs votes, as send_to.secret in bots.yaml; - for standard input")
	return func(ctx context.Context, env environment, _ []string) error {
		if *port < 0 || *port > 65535 {
			return usagef("--port %d is out of range", *port)
		}
		token, err := readHookSecret(env, &secret)
		if err != nil {
			return err
		}
		if err := votes.CheckSecret(token); err != nil {
			return usagef("--secret: %s", strings.TrimPrefix(err.Error(), "votes: "))
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(*host, strconv.Itoa(*port)))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(env.out, "Listening on http://%s until Ctrl-C\n", listener.Addr())
		return serveUntil(ctx, listener, &receiver{secret: token, now: time.Now, out: env.out})
	}
}

// readHookSecret returns the secret of a command for webhooks.
func readHookSecret(env environment, f *secretFlag) (lists.Token, error) {
	if err := f.check(env); err != nil {
		return lists.Token{}, err
	}
	text, err := f.read(env)
	if err != nil {
		return lists.Token{}, err
	}
	if strings.TrimSpace(text) == "" {
		return lists.Token{}, usagef("the secret is empty")
	}
	return lists.NewToken(text, ""), nil
}

// serveUntil serves until ctx ends, and then lets what is under way be answered.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler) error {
	const within = 10 * time.Second // to send a request, to take an answer, and to end
	server := &http.Server{Handler: h, ReadTimeout: within, WriteTimeout: within, IdleTimeout: time.Minute}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

const (
	// maxVoteBody bounds what a receiver takes, which is more than is ever sent.
	maxVoteBody = 1 << 20
	// maxSeen is how many ids a receiver knows again.
	maxSeen = 10_000
)

// receiver is an endpoint that takes votes: it verifies each, and prints a line.
// It is safe for concurrent use.
type receiver struct {
	secret lists.Token
	now    func() time.Time
	taken  func(body []byte) // hears of each vote that was taken, one at a time; nil: nobody listens

	mu   sync.Mutex
	out  io.Writer
	seen map[string]bool // ids that came
}

// ServeHTTP answers a vote that is signed with 204, and any other request with
// why it is refused.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxVoteBody))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case q.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		r.refuse(w, http.StatusMethodNotAllowed, "the method is "+q.Method+", want POST")
		return
	case tooLarge:
		r.refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", maxVoteBody))
		return
	case err != nil:
		r.refuse(w, http.StatusBadRequest, "the body was cut short")
		return
	}
	if err := votes.Verify(r.secret, q.Header, body, r.now()); err != nil {
		r.refuse(w, http.StatusUnauthorized, strings.TrimPrefix(err.Error(), "votes: "))
		return
	}
	text, err := describeVote(body)
	if err != nil {
		r.refuse(w, http.StatusBadRequest, "the signature is good, but the body is no vote: "+err.Error())
		return
	}
	id := q.Header.Get("webhook-id")
	r.mu.Lock()
	again := ""
	if r.seen[id] {
		again = "  (again)"
	}
	if r.seen == nil || len(r.seen) >= maxSeen {
		r.seen = map[string]bool{}
	}
	r.seen[id] = true
	r.say("%s  %s%s", text, printable(id), again)
	if r.taken != nil {
		r.taken(body)
	}
	r.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers a request that is not taken.
func (r *receiver) refuse(w http.ResponseWriter, status int, why string) {
	r.mu.Lock()
	r.say("refused with %d: %s", status, printable(why))
	r.mu.Unlock()
	http.Error(w, why, status)
}

// say prints a line. Callers hold the mutex.
func (r *receiver) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, "%s  %s\n", r.now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// describeVote returns what a message says, in one line.
func describeVote(body []byte) (string, error) {
	var m struct {
		Type string
		Data struct {
			List   string
			Bot    string `json:"bot_id"`
			User   string `json:"user_id"`
			Weight int64
			Test   bool
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return "", err
	}
	d := m.Data
	text := fmt.Sprintf("%s  %s  user %s  bot %s  weight %d", printable(m.Type), printable(d.List), printable(d.User), printable(d.Bot), d.Weight)
	if d.Test {
		text += "  test"
	}
	return text, nil
}

// printable returns a text in quotes if a terminal would show more or less of it
// than its characters.
func printable(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(s)
	}
	return s
}

// printTo makes the receiver print elsewhere.
func (r *receiver) printTo(out io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out = out
}
