package agent

import (
	"context"
	"strconv"
	"strings"
	"time"

	"aggregator/lists"
	"aggregator/rawjson"
)

// Source is where a bot's count comes from: Discord, a URL, or what the bot
// pushes. It is a value: it says what to ask and reads the answer.
type Source interface {
	// Name returns the source's name, as posts say it.
	Name() string

	// request returns what is asked over HTTP; ok is false for a source that is
	// found in the store.
	request(out Outbound) (r lists.Request, ok bool)

	// read returns what an answer says of a bot's count.
	read(bot string, a lists.Answer, now time.Time) reading

	// identity returns what tells the source from another one that the same bot
	// had before. It may hold a secret.
	identity() []string
}

// The names of the sources.
const (
	sourceDiscord = "discord"
	sourceURL     = "url"
	sourcePush    = "push"
)

// Exchange makes a request to a server that is not a list and returns its answer,
// within the operation's timeout and size. It follows no redirect.
type Exchange func(ctx context.Context, op lists.Op, r lists.Request) lists.Answer

// counts is the operation of asking a source.
var counts = lists.Op{Name: "counts", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true}

// reading is what a source said when it was asked once.
type reading struct {
	count lists.Count // unless there is a fault
	fault sourceFault
	text  string    // of a fault: what is wrong, in words, without a secret
	until time.Time // of faultLimited: when the source may be asked again
}

// sourceFault is the closed set of reasons why a source told no count.
type sourceFault int

const (
	faultNone    sourceFault = iota
	faultFailed              // it may tell when it is asked again
	faultRefused             // it refuses the token
	faultLimited             // it was asked too often
)

func failed(text string) reading { return reading{fault: faultFailed, text: text} }

// isFailed returns why an answer has no count to read, whoever gave it.
func isFailed(who string, a lists.Answer) (reading, bool) {
	switch {
	case a.Status == lists.NoAnswer:
		return failed(who + ": " + a.Reason), true
	case a.Status >= 300 && a.Status < 400:
		return failed(who + " redirects (" + strconv.Itoa(a.Status) + "), which is not followed"), true
	case a.Status < 200 || a.Status >= 300:
		return failed(who + " answered " + status(a.Status)), true
	}
	return reading{}, false
}

// numberOf returns a JSON number that is whole and from 0 to lists.MaxNumber.
func numberOf(v rawjson.Value) (n int64, ok bool) {
	digits, ok := v.Number()
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, n >= 0 && n <= lists.MaxNumber && !strings.HasPrefix(digits, "-")
	}
	f, err := strconv.ParseFloat(digits, 64) // such as 5.0 or 1e3
	if err != nil || f < 0 || f > lists.MaxNumber || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}
