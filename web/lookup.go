package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

// State is what a lookup found of a bot at one list. Its text is a class of the
// stylesheet.
type state string

// The states.
const (
	stateFound    state = "found"
	stateMissing  state = "missing"  // the list does not know the bot
	stateKey      state = "key"      // the list is read with a key, and there is none
	stateSilent   state = "silent"   // the list gave no answer of use
	stateHeldBack state = "heldback" // the list is not asked just now
)

// label is the state in words.
func (s state) label() string {
	switch s {
	case stateFound:
		return "Found"
	case stateMissing:
		return "Not on it"
	case stateKey:
		return "Needs a key"
	case stateHeldBack:
		return "Not asked"
	}
	return "No answer"
}

// finding is what one list says of a bot.
type finding struct {
	ID      string // of the list
	State   state
	Counted bool  // the list says on how many servers the bot is
	Count   int64 // that many
	Why     string
}

// Label is the state in words.
func (f finding) Label() string { return f.State.label() }

// findingOf judges what a list answered.
func findingOf(r lists.Reading) finding {
	f := finding{ID: r.List, State: stateSilent, Counted: r.Counted, Count: r.Count}
	switch {
	case r.Status == lists.NoAnswer:
		f.Why = r.Text
		if f.Why == "" {
			f.Why = "There was no answer"
		}
	case r.Found:
		f.State = stateFound
	case r.Status == http.StatusNotFound, r.Status == http.StatusGone:
		f.State = stateMissing
	case r.Page:
		f.Why = "A web page came in place of an answer"
	case r.Status == http.StatusOK:
		f.Why = "The answer says nothing of the bot"
	case r.Status == http.StatusTooManyRequests:
		f.Why = "The list was asked too often (429)"
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		f.Why = fmt.Sprintf("The list refuses to answer (%d)", r.Status)
	case r.Status >= http.StatusInternalServerError:
		f.Why = fmt.Sprintf("The list has trouble of its own (%d)", r.Status)
	default:
		f.Why = fmt.Sprintf("The list answered with status %d", r.Status)
	}
	return f
}

// skippedFinding judges why a list was not asked. ok is false for a list of which
// there is nothing to say.
func skippedFinding(s aggregate.Skipped, now time.Time) (f finding, ok bool) {
	f = finding{ID: s.ID, State: stateHeldBack}
	switch s.Why.Reason {
	case lists.SkipNoKey, lists.SkipNoToken, lists.SkipBadToken:
		f.State, f.Why = stateKey, "Only those with a key are answered"
	case lists.SkipPaced:
		f.Why = "It limits how often it may be asked"
		if s.Why.Until.After(now) {
			f.Why += "; next time " + ago(now.Sub(s.Why.Until))
		}
	case lists.SkipRefused, lists.SkipRevoked:
		f.State, f.Why = stateKey, "The list does not take the key that is set here"
	default:
		return finding{}, false
	}
	return f, true
}

// staleShare is how far a count may be from the largest, as a part of that.
const staleShare = 0.05

// isStale reports whether a list's count differs from the largest by more than
// staleShare of that.
func isStale(f finding, largest int64) bool {
	return f.State == stateFound && f.Counted && float64(largest-f.Count) > staleShare*float64(largest)
}

// staleWords says how far a stale count is behind the largest.
func staleWords(count, largest int64) string {
	percent := int64(100 * (float64(largest-count) / float64(largest)))
	return strconv.FormatInt(percent, 10) + " % behind"
}

// tally counts what a lookup found, each list once.
type tally struct{ Asked, Found, Stale, Missing, Silent, Key, HeldBack int }

// tallyOf counts findings, where the largest count is so much.
func tallyOf(all []finding, largest int64) tally {
	var t tally
	for _, f := range all {
		switch f.State {
		case stateFound:
			t.Found++
			if isStale(f, largest) {
				t.Stale++
			}
		case stateMissing:
			t.Missing++
		case stateKey:
			t.Key++
		case stateHeldBack:
			t.HeldBack++
		default:
			t.Silent++
		}
	}
	t.Asked = t.Found + t.Missing + t.Silent
	return t
}

// String returns the tally as a sentence.
func (t tally) String() string {
	var b strings.Builder
	switch {
	case t.Asked == 0:
		b.WriteString("No list was asked")
	default:
		fmt.Fprintf(&b, "On %d of %s", t.Found, plural(t.Asked, "list", "lists"))
		if t.Stale > 0 {
			fmt.Fprintf(&b, ", stale on %d of them", t.Stale)
		}
		if t.Missing > 0 {
			fmt.Fprintf(&b, ", not on %d", t.Missing)
		}
		if t.Silent > 0 {
			fmt.Fprintf(&b, ", no answer from %d", t.Silent)
		}
	}
	if t.Key > 0 {
		fmt.Fprintf(&b, "; %d more %s a key", t.Key, verb(t.Key, "needs", "need"))
	}
	if t.HeldBack > 0 {
		fmt.Fprintf(&b, "; %d may not be asked just now", t.HeldBack)
	}
	return b.String() + "."
}

// summary says in one sentence what a lookup found, for link previews.
func summary(name string, servers int64, t tally) string {
	if t.Found == 0 {
		return t.String()
	}
	return fmt.Sprintf("%s: %s %s. %s", name, grouped(servers), verb64(servers, "server", "servers"), t)
}

// plural returns a number with its noun.
func plural(n int, one, many string) string { return strconv.Itoa(n) + " " + verb(n, one, many) }

func verb(n int, one, many string) string { return verb64(int64(n), one, many) }

func verb64(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// grouped returns a number with commas between its thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// botIDIn returns the id of a bot in what a person typed: the id, or a mention of
// the bot. ok is false where there is none.
func botIDIn(text string) (id string, ok bool) {
	text = strings.TrimSpace(text)
	if rest, is := strings.CutPrefix(text, "<@"); is {
		text = strings.TrimPrefix(strings.TrimSuffix(rest, ">"), "!")
	}
	return text, lists.IsSnowflake(text)
}

// previewers are words in the names of programs that fetch pages for others to
// see a preview, or for a search engine.
var previewers = []string{"bot", "crawler", "spider", "preview", "facebookexternalhit", "whatsapp", "embed", "slurp", "fetcher", "skypeuripreview", "mastodon", "pinterest", "vkshare"}

// looksOnly reports whether a request is that of a program that only looks what
// is there: it is shown what is kept, and no list is asked for it.
func looksOnly(r *http.Request) bool {
	if r.Method == http.MethodHead || strings.Contains(r.Header.Get("Sec-Purpose")+r.Header.Get("Purpose")+r.Header.Get("X-Purpose"), "pre") {
		return true
	}
	agent := strings.ToLower(r.UserAgent())
	for _, word := range previewers {
		if strings.Contains(agent, word) {
			return true
		}
	}
	return false
}
