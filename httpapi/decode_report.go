package httpapi

import (
	"fmt"
	"slices"
	"strconv"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// maxNamed bounds how many lists the body of a report may name.
const maxNamed = 1000

var (
	errBadName      = invalid("'name' must be 1 to 64 letters, digits, dots, dashes or underscores")
	errTooManyNamed = invalid("Body names more than " + strconv.Itoa(maxNamed) + " lists")
	errNotPortable  = invalid(fmt.Sprintf("Body must be nested at most %d deep, and no number in it may have more than %d digits", rawjson.MaxDepth, rawjson.MaxDigits))
)

// ParseReport returns the report of a kind that a body holds: a JSON object with
// the values of the kind, "bot_id" where id is "" and the kind is of bots, and
// tokens as for a count. The error is an *aggregate.InvalidError; what was read
// before it is returned with it.
func ParseReport(kind *lists.Report, id string, body []byte) (aggregate.ReportRequest, error) {
	r := aggregate.ReportRequest{Report: kind, BotID: id}
	v, ok := objectIn(body)
	keys := kind.Keys()
	switch {
	case !ok:
		return r, errNoObject
	case !v.Portable():
		return r, errNotPortable
	case v.Len()+v.Get(lists.TokensKey).Len() > maxNamed+len(keys): // before much memory is made of little
		return r, errTooManyNamed
	}
	fields := map[string]rawjson.Value{}
	named := slices.DeleteFunc(v.Members(), func(m rawjson.Member) bool {
		isField := m.Key != lists.TokensKey && slices.Contains(keys, m.Key)
		if isField {
			fields[m.Key] = m.Value
		}
		return isField
	})
	var err error
	if r.BotID == "" && !kind.Named() {
		if r.BotID, err = botID(fields[lists.BotID.String()]); err != nil {
			return r, err
		}
	}
	if r.Values, err = kind.Parse(func(name string) rawjson.Value { return fields[name] }); err != nil {
		return r, invalid(err.Error())
	}
	tokens := namedTokens(named)
	if len(tokens) > maxNamed {
		return r, errTooManyNamed
	}
	r.Tokens = tokens
	return r, nil
}
