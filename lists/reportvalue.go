package lists

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"aggregator/rawjson"
)

// ReportValue is one value that reports of a kind can hold.
type ReportValue struct {
	Name     string
	Kind     ValueKind
	Required bool
	Now      bool // of a time: the moment of the report, where it holds none
}

// ReportValues are the values of a report, in the order of its table; the zero
// Value for one that it does not hold.
type ReportValues []rawjson.Value

// ValueKind is what a value of a report is.
type ValueKind int

// The kinds of values.
const (
	ValueFlag      ValueKind = iota // true or false
	ValueWhole                      // a whole number from 0
	ValuePercent                    // a number from 0 to 100
	ValueText                       // a text that is not empty
	ValueTexts                      // an array of texts
	ValueURL                        // an http or https URL
	ValueTime                       // a moment in ISO 8601
	ValueSnowflake                  // an id of Discord's
	ValueCommands                   // commands, as Discord returns them
)

// valueKinds has what is known of each kind.
var valueKinds = [...]struct {
	noun   string // as in "must be a boolean"
	parse  func(rawjson.Value) (rawjson.Value, error)
	sample string // as JSON, for explanations
}{
	ValueFlag:      {"a boolean", parseFlag, "true"},
	ValueWhole:     {"a number", parseWhole, "42"},
	ValuePercent:   {"a number", parsePercent, "17.5"},
	ValueText:      {"a string", parseText, `"A text"`},
	ValueTexts:     {"an array of strings", parseTexts, `["music","fun"]`},
	ValueURL:       {"a URL", parseURL, `"https://bot.example/invite"`},
	ValueTime:      {"a time in ISO 8601, such as 2026-11-25T20:00:00Z,", parseTime, `"2026-11-25T20:00:00Z"`},
	ValueSnowflake: {"a snowflake", parseSnowflake, `"223456789012345678"`},
	ValueCommands:  {"an array of commands, as Discord returns them", parseCommands, sampleCommands},
}

const sampleCommands = `[{"id":"323456789012345678","type":1,"name":"ban","description":"Bans a user","options":[{"type":6,"name":"user","description":"Whom","required":true},{"type":3,"name":"reason","description":"Why"}]}]`

// Errors of values. What they are of is put before them.
var (
	errNoChange   = errors.New("Nothing to change")  //nolint:staticcheck // callers are told so, as it stands
	errWrongKind  = errors.New("is of another kind") // becomes "must be …"
	errOutOfRange = errors.New("is out of range")
	errEmpty      = errors.New("must not be empty")
	errTooMany    = fmt.Errorf("holds more than %d commands", maxCommands)
)

// maxCommands bounds the commands of a bot: Discord has no bot with as many.
const maxCommands = 1000

// parse returns the value as it goes to lists; the zero Value where it is not
// given. Null is as good as absent.
func (v *ReportValue) parse(given rawjson.Value) (rawjson.Value, error) {
	kind := valueKinds[v.Kind]
	given = optional(given)
	if given.IsZero() {
		if v.Required {
			return given, fmt.Errorf("'%s' is required", v.Name)
		}
		return given, nil
	}
	parsed, err := kind.parse(given)
	switch {
	case errors.Is(err, errWrongKind) && v.Required:
		return parsed, fmt.Errorf("'%s' must be %s", v.Name, trimComma(kind.noun))
	case errors.Is(err, errWrongKind):
		return parsed, fmt.Errorf("'%s' must be %s or null", v.Name, kind.noun)
	case err != nil:
		return parsed, fmt.Errorf("'%s' %w", v.Name, err)
	}
	return parsed, nil
}

func trimComma(s string) string {
	if n := len(s); s[n-1] == ',' {
		return s[:n-1]
	}
	return s
}

// Sample returns a value for explanations.
func (v *ReportValue) Sample() rawjson.Value {
	sample, _ := rawjson.Parse([]byte(valueKinds[v.Kind].sample))
	return sample
}

func parseFlag(v rawjson.Value) (rawjson.Value, error) {
	if v.Kind() != rawjson.Bool {
		return v, errWrongKind
	}
	return v, nil
}

func parseWhole(v rawjson.Value) (rawjson.Value, error) {
	n, isWhole, inRange := WholeNumber(v)
	switch {
	case !isWhole:
		return v, errWrongKind
	case !inRange:
		return v, errOutOfRange
	}
	whole, _ := rawjson.Parse(rawjson.AppendInt(nil, n))
	return whole, nil
}

func parsePercent(v rawjson.Value) (rawjson.Value, error) {
	digits, ok := v.Number()
	if !ok {
		return v, errWrongKind
	}
	if n, err := strconv.ParseFloat(digits, 64); err != nil || n < 0 || n > 100 {
		return v, errOutOfRange
	}
	return v, nil
}

func parseText(v rawjson.Value) (rawjson.Value, error) {
	text, ok := v.Text()
	switch {
	case !ok:
		return v, errWrongKind
	case text == "":
		return v, errEmpty
	}
	return v, nil
}

func parseTexts(v rawjson.Value) (rawjson.Value, error) {
	if v.Kind() != rawjson.Array {
		return v, errWrongKind
	}
	for item := range v.Items() {
		if text, _ := item.Text(); text == "" {
			return v, errWrongKind
		}
	}
	return v, nil
}

func parseURL(v rawjson.Value) (rawjson.Value, error) {
	text, _ := v.Text()
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return v, errWrongKind
	}
	return v, nil
}

func parseTime(v rawjson.Value) (rawjson.Value, error) {
	text, _ := v.Text()
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		return v, errWrongKind
	}
	return v, nil
}

func parseSnowflake(v rawjson.Value) (rawjson.Value, error) {
	if text, _ := v.Text(); !IsSnowflake(text) {
		return v, errWrongKind
	}
	return v, nil
}

func parseCommands(v rawjson.Value) (rawjson.Value, error) {
	if v.Kind() != rawjson.Array {
		return v, errWrongKind
	}
	n := 0
	for item := range v.Items() {
		if n++; n > maxCommands {
			return v, errTooMany
		}
		if name, _ := item.Get("name").Text(); name == "" {
			return v, errWrongKind
		}
	}
	return v, nil
}
