package lists

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aggregator/rawjson"
)

// SampleVote is a vote to be told as the list would, see Webhook.Sign.
type SampleVote struct {
	BotID, UserID string
	Test          bool      // where the list can say so
	Removed       bool      // likewise
	Weekend       bool      // likewise
	At            time.Time // zero: now
	ID            string    // "": one is made of the time
	Second        bool      // in the list's second form, where it has one
}

// form returns the first form, or the second where that is wanted and there is one.
func (w *Webhook) form(second bool) *form {
	if second {
		return w.forms[len(w.forms)-1]
	}
	return w.forms[0]
}

// TellsTests reports whether the list's webhooks can say that a vote is a test,
// in their first form or their second. Where they cannot, Sign signs what reads
// as a real vote.
func (w *Webhook) TellsTests(second bool) bool {
	f := w.form(second)
	return len(f.test) > 0 || f.kind != nil && len(f.kind.tests) > 0
}

// Sign returns a delivery that tells of a vote as the list does, proven with a
// secret by the strongest proof of its form at the time now. It plays the list,
// for trying out.
func (w *Webhook) Sign(s SampleVote, secret Token, now time.Time) Delivery {
	f := w.form(s.Second)
	if s.At.IsZero() {
		s.At = now
	}
	if s.ID == "" {
		s.ID = strconv.FormatInt(s.At.UnixNano(), 10)
	}
	d := Delivery{Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{}, Body: f.sample(s, now)}
	if h := f.ids.botHeader; h != "" {
		d.Header.Set(h, s.BotID)
	}
	if h := f.ids.idHeader; h != "" {
		d.Header.Set(h, s.ID)
	}
	f.proofs[0].sign(&d, []byte(w.bare(secret)), now)
	return d
}

// sign puts the proof into a delivery.
func (p *proof) sign(d *Delivery, key []byte, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	signed := func(parts ...[]byte) string { return hex.EncodeToString(sign(key, parts...)) }
	switch p.kind {
	case ProofJWT:
		d.Header.Set("Content-Type", "text/plain")
		d.Body = jwt(d.Body, key)
	case ProofQuery:
		d.Query.Set(p.name, string(key))
	case ProofHeader:
		d.Header.Set(p.name, p.prefix+string(key))
	case ProofSignature:
		d.Header.Set(p.name, p.prefix+signed(d.Body))
	case ProofTimestamped:
		signature := signed([]byte(stamp+"."), d.Body)
		if p.timestamp != "" {
			d.Header.Set(p.timestamp, stamp)
			d.Header.Set(p.name, p.prefix+signature)
			return
		}
		d.Header.Set(p.name, "t="+stamp+",v1="+signature)
	}
}

// tree is a JSON object that is put together by paths.
type tree struct {
	keys   []string
	values map[string][]byte
	below  map[string]*tree
}

// put puts a value at a path, unless something stands there already.
func (t *tree) put(path []string, value []byte) {
	key := path[0]
	if t.values == nil {
		t.values, t.below = map[string][]byte{}, map[string]*tree{}
	}
	_, isValue := t.values[key]
	if isValue || len(path) == 1 && t.below[key] != nil {
		return
	}
	if len(path) == 1 {
		t.keys = append(t.keys, key)
		t.values[key] = value
		return
	}
	if t.below[key] == nil {
		t.keys = append(t.keys, key)
		t.below[key] = &tree{}
	}
	t.below[key].put(path[1:], value)
}

// append appends the tree as JSON, in the order in which it was put together.
func (t *tree) append(to []byte) []byte {
	to = append(to, '{')
	for _, key := range t.keys {
		to = rawjson.AppendKey(to, key)
		if below := t.below[key]; below != nil {
			to = below.append(to)
		} else {
			to = append(to, t.values[key]...)
		}
	}
	return append(to, '}')
}

// sample returns the body of a vote.
func (f *form) sample(s SampleVote, now time.Time) []byte {
	t := &tree{}
	if f.kind != nil {
		t.put(f.kind.path, rawjson.AppendString(nil, f.sampleKind(s)))
	}
	for i, c := range f.ignored {
		if !c.not.IsZero() {
			t.put(c.path, c.not.Raw())
		} else if is, isFlag := c.is.Bool(); isFlag {
			t.put(f.ignored[i].path, rawjson.AppendBool(nil, !is))
		}
	}
	text := func(all paths, value string) {
		if len(all) > 0 {
			t.put(all[0], rawjson.AppendString(nil, value))
		}
	}
	text(f.ids.id, s.ID)
	text(f.ids.bot, s.BotID)
	text(f.ids.user, s.UserID)
	f.sampleFlags(t, f.test, s.Test)
	f.sampleFlags(t, f.removed, s.Removed)
	if len(f.weight.weekend) > 0 {
		t.put(f.weight.weekend[0], rawjson.AppendBool(nil, s.Weekend))
	}
	if len(f.weight.weight) > 0 {
		t.put(f.weight.weight[0], []byte("1"))
	}
	f.sampleTimes(t, s, now)
	return t.append(nil)
}

// sampleKind returns the kind of a vote, as the entry writes it.
func (f *form) sampleKind(s SampleVote) string {
	k := f.entry.Kind
	switch {
	case s.Test && len(k.Tests) > 0:
		return k.Tests[0]
	case s.Removed && len(k.Removed) > 0:
		return k.Removed[0]
	}
	return k.Votes[0]
}

// sampleFlags puts the first of some flags into a body, where it can say both
// yes and no.
func (f *form) sampleFlags(t *tree, all []condition, is bool) {
	if len(all) == 0 {
		return
	}
	switch c := all[0]; {
	case c.present:
		if is {
			t.put(c.path, []byte("true"))
		}
	case c.is.IsZero():
		t.put(c.path, rawjson.AppendBool(nil, is))
	case is:
		t.put(c.path, c.is.Raw())
	default:
		if holds, isFlag := c.is.Bool(); isFlag {
			t.put(c.path, rawjson.AppendBool(nil, !holds))
		}
	}
}

func (f *form) sampleTimes(t *tree, s SampleVote, now time.Time) {
	put := func(all timesAt, at time.Time) {
		if len(all) > 0 && !strings.ContainsAny(all[0].path, "[{") {
			t.put(strings.Split(all[0].path, "."), all[0].append(nil, at, now))
		}
	}
	put(f.time, s.At)
	until := f.window.end(s.At)
	if until.IsZero() {
		until = s.At.Add(12 * time.Hour)
	}
	put(f.until, until)
}
