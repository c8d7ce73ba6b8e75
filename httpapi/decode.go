package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// countKeys are the keys of a body that are not ids of lists.
var countKeys = func() map[string]bool {
	all := map[string]bool{}
	for _, key := range lists.CountKeys() {
		all[key] = true
	}
	return all
}()

// ParseCount returns the count that the body of POST /api/count asks for: a
// JSON object with the documented fields, in which every other key is a list's
// id and its value that list's token. The error is an *aggregate.InvalidError.
func ParseCount(body []byte) (aggregate.CountRequest, error) {
	members, err := object(body)
	if err != nil {
		return aggregate.CountRequest{}, err
	}
	fields := countFields(members)
	var r aggregate.CountRequest
	if r.BotID, err = botID(fields["bot_id"]); err != nil {
		return aggregate.CountRequest{}, err
	}
	if fields["server_count"].IsZero() {
		return aggregate.CountRequest{}, invalid("'server_count' is required")
	}
	n, err := integer(fields["server_count"], "'server_count' must be a number", "'server_count' is out of range")
	if err != nil {
		return aggregate.CountRequest{}, err
	}
	r.ServerCount = n
	for v := range lists.NumValues {
		if v == lists.Shards {
			r.Shards, err = shards(fields[v.String()])
			if why := r.Contradiction(); err == nil && why != "" {
				err = invalid(why)
			}
		} else if to := v.Optional(&r.Count); to != nil {
			*to, err = optional(fields, v.String())
		}
		if err != nil {
			return aggregate.CountRequest{}, err
		}
	}
	r.Tokens = tokens(members)
	return r, nil
}

// countFields returns those members of a body that are not tokens.
func countFields(members []rawjson.Member) map[string]rawjson.Value {
	fields := map[string]rawjson.Value{}
	for _, m := range members {
		if countKeys[m.Key] {
			fields[m.Key] = m.Value
		}
	}
	return fields
}

// dryRunKeys are the spellings of the parameter that asks for a dry run.
var dryRunKeys = []string{"dry_run", "dryRun", "dry-run"}

// isDryRun reports whether a query asks for a dry run. A safety switch fails
// safe: any value does but 0 and false, none too, and so does a query that
// cannot be read in which something like it stands.
func isDryRun(query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil && strings.Contains(strings.ToLower(query), "dry") {
		return true
	}
	for _, key := range dryRunKeys {
		for _, value := range values[key] {
			if value != "0" && value != "false" {
				return true
			}
		}
	}
	return false
}

// ParseTokens returns the tokens of a body that holds tokens alone, as that of
// a lookup does. The error is an *aggregate.InvalidError.
func ParseTokens(body []byte) ([]aggregate.NamedToken, error) {
	members, err := object(body)
	if err != nil {
		return nil, err
	}
	return tokens(members), nil
}

// tokens returns the tokens in a body whose other keys are those of a count.
func tokens(members []rawjson.Member) []aggregate.NamedToken {
	return namedTokens(slices.DeleteFunc(members, func(m rawjson.Member) bool {
		return m.Key != lists.TokensKey && countKeys[m.Key]
	}))
}

// namedTokens returns the tokens in members of which each names a list, but for the
// one that holds further tokens.
func namedTokens(members []rawjson.Member) []aggregate.NamedToken {
	all := make([]aggregate.NamedToken, 0, len(members))
	for _, m := range members {
		if m.Key == lists.TokensKey {
			all = appendNested(all, m.Value)
		} else {
			all = append(all, namedToken(m, false))
		}
	}
	return all
}

// appendNested appends the tokens that stand in an object of their own.
func appendNested(all []aggregate.NamedToken, v rawjson.Value) []aggregate.NamedToken {
	switch v.Kind() {
	case rawjson.Null:
	case rawjson.Object:
		for _, m := range v.Members() {
			all = append(all, namedToken(m, true))
		}
	default:
		bad := lists.Skip{Reason: lists.SkipBadToken, Detail: "must be an object of list ids and tokens"}
		all = append(all, aggregate.NamedToken{ID: lists.TokensKey, Bad: &bad, Field: true})
	}
	return all
}

func namedToken(m rawjson.Member, nested bool) aggregate.NamedToken {
	t, bad := lists.ParseToken(m.Value)
	return aggregate.NamedToken{ID: m.Key, Token: t, Bad: bad, Nested: nested}
}

// object returns the members of a body that is a JSON object in UTF-8.
func object(body []byte) ([]rawjson.Member, error) {
	v, ok := objectIn(body)
	if !ok {
		return nil, errNoObject
	}
	return v.Members(), nil
}

// objectIn returns a body that is a JSON object in UTF-8; ok is false for any other.
func objectIn(body []byte) (v rawjson.Value, ok bool) {
	v, ok = rawjson.Parse(body)
	return v, ok && v.Kind() == rawjson.Object && v.UTF8()
}

func botID(v rawjson.Value) (string, error) {
	id, isText := v.Text()
	switch {
	case v.IsZero():
		return "", invalid("'bot_id' is required")
	case !isText:
		return "", invalid("'bot_id' must be a string")
	case !lists.IsSnowflake(id):
		return "", invalid("'bot_id' must be a snowflake")
	}
	return id, nil
}

// isGiven reports whether an optional field is there: null means that it is not.
func isGiven(v rawjson.Value) bool { return !v.IsZero() && v.Kind() != rawjson.Null }

func optional(fields map[string]rawjson.Value, name string) (*int64, error) {
	if !isGiven(fields[name]) {
		return nil, nil
	}
	n, err := integer(fields[name], "'"+name+"' must be a number or null", "'"+name+"' is out of range")
	return &n, err
}

func shards(v rawjson.Value) ([]int64, error) {
	if !isGiven(v) {
		return nil, nil
	}
	if v.Kind() != rawjson.Array {
		return nil, invalid("'shards' must be an array or null")
	}
	n := 0
	for range v.Items() {
		if n++; n > lists.MaxShards {
			return nil, invalid("'shards' holds more than " + strconv.Itoa(lists.MaxShards) + " counts")
		}
	}
	const wrong = "'shards' contains incorrect values"
	counts := make([]int64, 0, n)
	for item := range v.Items() {
		n, err := integer(item, wrong, wrong)
		if err != nil {
			return nil, err
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// integer returns a whole number, see lists.WholeNumber.
func integer(v rawjson.Value, wrong, outOfRange string) (int64, error) {
	n, isWhole, inRange := lists.WholeNumber(v)
	switch {
	case !isWhole:
		return 0, invalid(wrong)
	case !inRange:
		return 0, invalid(outOfRange)
	}
	return n, nil
}

func invalid(message string) error { return &aggregate.InvalidError{Message: message} }
