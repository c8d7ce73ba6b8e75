package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"aggregator/catalog"
	"aggregator/lists"
)

// The votes of the demo: who has voted on every list, the secret that every list has, where the bot
// takes votes, and what signs them.
const (
	demoVoter      = "876543210987654321"
	demoHookSecret = "demo-secret-of-every-list"
	demoHost       = "bot.example"
	demoSigning    = "demo-secret-that-signs-votes"
)

// demoWithin is how long votes may take in the demo, on a machine that is busy.
const demoWithin = 30 * time.Second

// maxDemoVotes is how many lists tell of a vote in the demo.
const maxDemoVotes = 3

// demoBotsFile returns the text of a file with the demo's bot, which takes the
// votes of every list that has a secret for them.
func demoBotsFile(c *catalog.Catalog) []byte {
	var secrets []string
	for _, l := range c.Lists() {
		if w := l.Webhook(); w != nil && !w.SecretIsToken() {
			secrets = append(secrets, fmt.Sprintf("%q: %s", l.ID, demoHookSecret))
		}
	}
	return fmt.Appendf(nil, "bots:\n  %q: {votes: {secrets: {%s}, send_to: {url: \"https://%s/votes\", secret: %s}}}\n",
		demoBot, strings.Join(secrets, ", "), demoHost, demoSigning)
}

// demoVoters returns the first lists of which each proves its webhooks in a way of
// its own.
func demoVoters(c *catalog.Catalog) []*lists.List {
	first := map[string]*lists.List{}
	for _, l := range c.Lists() {
		w := l.Webhook()
		if w == nil || w.SecretIsToken() {
			continue
		}
		secret, now := lists.NewToken(demoHookSecret, ""), time.Now()
		proven, fault := w.Verify(w.Sign(lists.SampleVote{BotID: demoBot, UserID: demoUser}, secret, now), []lists.Token{secret}, now)
		if fault == nil && first[proven.Kind] == nil {
			first[proven.Kind] = l
		}
	}
	var all []*lists.List
	for _, kind := range []string{lists.ProofHeader, lists.ProofSignature, lists.ProofTimestamped, lists.ProofJWT, lists.ProofQuery} {
		if l := first[kind]; l != nil && len(all) < maxDemoVotes {
			all = append(all, l)
		}
	}
	return all
}

// listWithTests returns the id of a list with votes for trying out, which go out
// however often they come; "" if there is none.
func listWithTests(c *catalog.Catalog) string {
	f := hooksSendFlags{bot: demoBot}
	for _, l := range c.Lists() {
		if w := l.Webhook(); w != nil && !w.SecretIsToken() {
			if _, err := f.sign(l, lists.NewToken(demoHookSecret, ""), time.Now()); err == nil {
				return l.ID
			}
		}
	}
	return ""
}

// toldVotes is what came of votes in the demo.
type toldVotes struct {
	hooks  []toldVote
	bodies []json.RawMessage // that the bot's endpoint got, and verified
	lines  bytes.Buffer      // that it printed
}

// toldVote is how a list told of a vote.
type toldVote struct{ list, proof, answer string }

// castVotes makes every list know of a vote, of which none tells: whoever asks hears
// of it.
func (d *sandboxDemo) castVotes() {
	for _, l := range d.Catalog.Current().Lists() {
		_, _ = d.box.Vote(l.ID, lists.SampleVote{BotID: demoBot, UserID: demoVoter}, lists.NewToken(demoHookSecret, ""))
	}
}

// tellVotes has lists tell of votes, and waits until the bot has heard of them.
func (d *sandboxDemo) tellVotes(ctx context.Context) (*toldVotes, error) {
	told := &toldVotes{bodies: []json.RawMessage{}}
	d.endpoint.printTo(&told.lines)
	defer d.endpoint.printTo(io.Discard)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, demoWithin)
	defer cancel()
	for _, l := range demoVoters(d.Catalog.Current()) {
		hook, err := d.tellVote(ctx, transport, l)
		if err != nil {
			return nil, err
		}
		told.hooks = append(told.hooks, hook)
	}
	for range told.hooks {
		select {
		case body := <-d.votes:
			told.bodies = append(told.bodies, body)
		case <-ctx.Done():
			return nil, errors.New("a vote has not come out again")
		}
	}
	return told, nil
}

// tellVote has a list tell of a vote.
func (d *sandboxDemo) tellVote(ctx context.Context, transport http.RoundTripper, l *lists.List) (toldVote, error) {
	secret := lists.NewToken(demoHookSecret, "")
	hook, ok := d.box.Vote(l.ID, lists.SampleVote{BotID: demoBot, UserID: demoUser}, secret)
	if !ok {
		return toldVote{}, fmt.Errorf("%s tells of no votes", l.ID)
	}
	url := localURL(d.listener.Addr()) + "/hooks/" + demoBot + "/" + l.ID
	if query := hook.Query.Encode(); query != "" {
		url += "?" + query
	}
	proven, _ := l.Webhook().Verify(hook, []lists.Token{secret}, time.Now())
	for {
		status, text, err := post(ctx, transport, url, hook)
		if err != nil {
			return toldVote{}, err
		}
		if status != http.StatusServiceUnavailable { // else it was busy, and is sent the same again
			return toldVote{l.ID, l.Webhook().Describe(proven), fmt.Sprintf("%d %s", status, shorten(strings.TrimSpace(text), 60))}, nil
		}
	}
}

// post posts a webhook.
func post(ctx context.Context, transport http.RoundTripper, url string, hook lists.Delivery) (status int, text string, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(hook.Body))
	if err != nil {
		return 0, "", err
	}
	q.Header = hook.Header
	resp, err := transport.RoundTrip(q)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// print prints what came of the votes.
func (v *toldVotes) print(out io.Writer) error {
	if len(v.hooks) == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(out, "\nA vote comes in from %d lists, each with a proof of another kind:\n\n", len(v.hooks))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "LIST\tANSWER\tPROOF")
	for _, h := range v.hooks {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", h.list, h.answer, h.proof)
	}
	_ = w.Flush()
	_, _ = fmt.Fprintf(out, "\nEach goes out to the bot in one shape, signed, and its endpoint verified it:\n\n%s", v.lines.String())
	_, err := fmt.Fprintf(out, "\nThe last one in full:\n\n%s\n", v.bodies[len(v.bodies)-1])
	return err
}
