package aggregator

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"aggregator/aggregate"
	"aggregator/lists"
)

// Tokens are secrets by the ids of the lists they are for. A map[string]string is
// assigned as it is. A list that numbers bots itself takes "NUMBER:TOKEN", with its
// own number of the bot.
//
// However Tokens are printed, logged or marshalled to JSON, by themselves or in a
// struct of exported fields, each secret shows as ***. What prints the fields of a
// struct by reflection, as fmt does with those that are not exported, shows them.
type Tokens map[string]string

// String returns the ids of the lists, each with a mask.
func (t Tokens) String() string {
	var b strings.Builder
	b.WriteString("map[")
	for i, id := range slices.Sorted(maps.Keys(t)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(id + ":" + lists.Mask)
	}
	return b.String() + "]"
}

// GoString returns the ids of the lists in Go syntax, each with a mask.
func (t Tokens) GoString() string {
	var b strings.Builder
	b.WriteString("aggregator.Tokens{")
	for i, id := range slices.Sorted(maps.Keys(t)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(id) + ":" + strconv.Quote(lists.Mask))
	}
	return b.String() + "}"
}

// Format prints String, or GoString for %#v, whatever the verb.
func (t Tokens) Format(f fmt.State, verb rune) {
	text := t.String()
	if verb == 'v' && f.Flag('#') {
		text = t.GoString()
	}
	_, _ = f.Write([]byte(text))
}

// MarshalJSON returns an object of the ids of the lists, each with a mask.
func (t Tokens) MarshalJSON() ([]byte, error) {
	if t == nil {
		return []byte("null"), nil
	}
	masked := make(map[string]string, len(t))
	for id := range t {
		masked[id] = lists.Mask
	}
	return json.Marshal(masked)
}

// LogValue returns String.
func (t Tokens) LogValue() slog.Value { return slog.StringValue(t.String()) }

// named returns the tokens in the order of their ids.
func (t Tokens) named() []aggregate.NamedToken {
	all := make([]aggregate.NamedToken, 0, len(t))
	for _, id := range slices.Sorted(maps.Keys(t)) {
		token, bad := lists.CheckToken(t[id], "")
		all = append(all, aggregate.NamedToken{ID: id, Token: token, Bad: bad})
	}
	return all
}
