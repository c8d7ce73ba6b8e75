package httpapi

import (
	"slices"
	"strconv"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

var errBadName = invalid("'name' must be 1 to 64 letters, digits, dots, dashes or underscores")

// maxNamed bounds how many lists the body of a report may name.
const maxNamed = 1000

// ParseReport returns the report of a kind that a body holds: a JSON object with
// the values of the kind, "bot_id" where id is "" and the kind is of bots, and
// tokens as for a count. The error is an *aggregate.InvalidError; what was read
// before it is returned with it.
func ParseReport(kind *lists.Report, id string, body []byte) (aggregate.ReportRequest, error) {
	r := aggregate.ReportRequest{Report: kind, BotID: id}
	members, err := object(body)
	if err != nil {
		return r, err
	}
	keys := kind.Keys()
	fields := map[string]rawjson.Value{}
	named := slices.DeleteFunc(members, func(m rawjson.Member) bool {
		isField := m.Key != lists.TokensKey && slices.Contains(keys, m.Key)
		if isField {
			fields[m.Key] = m.Value
		}
		return isField
	})
	if r.BotID == "" && !kind.Named() {
		if r.BotID, err = botID(fields[lists.BotID.String()]); err != nil {
			return r, err
		}
	}
	if r.Values, err = kind.Parse(func(name string) rawjson.Value { return fields[name] }); err != nil {
		return r, invalid(err.Error())
	}
	if len(named) > maxNamed {
		return r, invalid("Body names more than " + strconv.Itoa(maxNamed) + " lists")
	}
	r.Tokens = namedTokens(named)
	return r, nil
}
