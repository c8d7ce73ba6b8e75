package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aggregator/lists"
)

// hooksSendFlags are the flags of hooks send.
type hooksSendFlags struct {
	catalogFlags
	secret                         secretFlag
	to, bot, user                  string
	real, removed, weekend, second bool
}

// hooksSend plays a list that tells of a vote.
func hooksSend(fs *flag.FlagSet) action {
	f := hooksSendFlags{secret: secretFlag{name: "secret"}}
	fs.StringVar(&f.to, "to", "", "`URL` of the webhook, as it would go into the list's settings: http://localhost:8080/hooks/BOT/LIST (required)")
	f.secret.add(fs, "the secret that the list would have, as votes.secrets in bots.yaml, or its token where that proves webhooks; - for standard input")
	fs.BoolVar(&f.real, "real", false, "send a real vote, not one for trying out; needs --user")
	fs.BoolVar(&f.removed, "removed", false, "say that the vote was taken back, where the list can")
	fs.BoolVar(&f.weekend, "weekend", false, "say that it is a weekend, where the list can")
	fs.BoolVar(&f.second, "second", false, "send the second form of the list's webhooks, where it has one")
	fs.StringVar(&f.user, "user", "", "`ID` of the user who votes, a Discord snowflake; of a test vote one that nobody has if not given")
	fs.StringVar(&f.bot, "bot", "", "`ID` of the bot, a Discord snowflake; the one in the URL if not given")
	f.catalogFlags.add(fs)
	return func(ctx context.Context, env environment, operands []string) error {
		return f.send(ctx, env, operands[0])
	}
}

// sampleUser votes where nobody is named: no user has this id.
const sampleUser = "100000000000000000"

func (f *hooksSendFlags) send(ctx context.Context, env environment, id string) error {
	to, err := f.check()
	if err != nil {
		return err
	}
	secret, err := readHookSecret(env, &f.secret)
	if err != nil {
		return err
	}
	c, _, err := f.read()
	if err != nil {
		return err
	}
	l, err := findList(c, id)
	if err != nil {
		return err
	}
	d, err := f.sign(l, secret, time.Now())
	if err != nil {
		return err
	}
	query := to.Query()
	maps.Copy(query, d.Query)
	to.RawQuery = query.Encode()
	return sendHook(ctx, env, to, d, lists.NewMasker(secret))
}

// check checks the flags and returns where the webhook goes.
func (f *hooksSendFlags) check() (*url.URL, error) {
	if f.to == "" {
		return nil, usagef("--to is missing: the URL of the webhook")
	}
	to, err := url.Parse(f.to)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return nil, usagef("--to must be a URL such as http://localhost:8080/hooks/BOT/LIST")
	}
	if f.bot == "" {
		if parts := strings.Split(to.Path, "/"); len(parts) > 2 && lists.IsSnowflake(parts[len(parts)-2]) {
			f.bot = parts[len(parts)-2]
		}
	}
	switch {
	case f.bot == "":
		return nil, usagef("--bot is missing, for the URL names no bot")
	case !lists.IsSnowflake(f.bot):
		return nil, usagef("--bot %q is not a snowflake", f.bot)
	case f.real && f.user == "":
		return nil, usagef("--user is missing: who has voted")
	case f.user != "" && !lists.IsSnowflake(f.user):
		return nil, usagef("--user %q is not a snowflake", f.user)
	}
	return to, nil
}

// sign returns the webhook of the vote that was asked for. A usageError says
// what the list cannot tell.
func (f *hooksSendFlags) sign(l *lists.List, secret lists.Token, now time.Time) (lists.Delivery, error) {
	w := l.Webhook()
	switch {
	case w == nil:
		return lists.Delivery{}, usagef("%s tells of no votes", l.ID)
	case f.second && w.Forms() < 2:
		return lists.Delivery{}, usagef("the webhooks of %s have one form alone; leave --second out", l.ID)
	}
	d := w.Sign(lists.SampleVote{
		BotID: f.bot, UserID: cmp.Or(f.user, sampleUser), Test: !f.real, Removed: f.removed, Weekend: f.weekend, Second: f.second,
	}, secret, now)
	proven, fault := w.Verify(d, []lists.Token{secret}, now)
	if fault != nil {
		return lists.Delivery{}, fmt.Errorf("%s cannot sign with this secret: %s", l.ID, fault)
	}
	told, err := w.Read(d, proven, f.bot, now)
	switch {
	case err != nil:
		return lists.Delivery{}, err
	case told.Test == f.real:
		return lists.Delivery{}, usagef("%s has no votes for trying out; --real --user ID sends a real one", l.ID)
	case told.Removed != f.removed:
		return lists.Delivery{}, usagef("%s does not tell of votes that are taken back; leave --removed out", l.ID)
	case f.weekend && (told.Weekend == nil || !*told.Weekend):
		return lists.Delivery{}, usagef("%s does not tell of weekends; leave --weekend out", l.ID)
	}
	return d, nil
}

const (
	// hookTimeout is for how long a webhook waits for its answer.
	hookTimeout = 10 * time.Second
	// maxHookAnswer is how much of an answer is read, in bytes.
	maxHookAnswer = 64 << 10
)

// sendHook sends a webhook, and prints it and what was answered, without the
// secret. The error is errReported where that is no 2xx.
func sendHook(ctx context.Context, env environment, to *url.URL, d lists.Delivery, secrets *lists.Masker) error {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(string(d.Body)))
	if err != nil {
		return errors.New("the webhook cannot be sent to this URL")
	}
	q.Header = d.Header.Clone()
	q.Header.Set("User-Agent", userAgent)
	printRequest(env.out, shownHook(q, d.Body, secrets))
	client := http.Client{Transport: env.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(q)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // without the URL, which may hold the secret
		}
		return fmt.Errorf("no answer: %s", secrets.Hide(err.Error()))
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxHookAnswer))
	if err != nil {
		return fmt.Errorf("the answer was cut short: %s", secrets.Hide(err.Error()))
	}
	_, _ = fmt.Fprintf(env.out, "\nanswered %d %s\n", resp.StatusCode, shownAnswer(secrets.Hide(strings.TrimSpace(string(text)))))
	if resp.StatusCode/100 != 2 {
		return errReported
	}
	return nil
}

// shownAnswer returns what was answered as it may be shown.
func shownAnswer(text string) string {
	if text == "" {
		return "with nothing"
	}
	return shorten(printable(text), 1000)
}

// shownHook returns a webhook as it may be shown.
func shownHook(q *http.Request, body []byte, secrets *lists.Masker) lists.Request {
	shown := lists.Request{Method: q.Method, URL: secrets.Hide(q.URL.String()), Body: []byte(secrets.Hide(string(body)))}
	for name, values := range q.Header {
		shown.Header = append(shown.Header, lists.Header{Name: name, Value: secrets.Hide(values[0])})
	}
	slices.SortFunc(shown.Header, func(a, b lists.Header) int { return strings.Compare(a.Name, b.Name) })
	return shown
}
