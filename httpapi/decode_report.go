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
// the values of the kind, "bot_id" where botID is "", and tokens as for a count.
// The error is an *aggregate.InvalidError.
func ParseReport(kind *lists.Report, id string, body []byte) (aggregate.ReportRequest, error) {
	r := aggregate.ReportRequest{Report: kind, BotID: id}
	err := parseReport(body, &r)
	return r, err
}

// parseReport reads a body into a report whose kind is known, and whose bot is
// where the path named it.
func parseReport(body []byte, r *aggregate.ReportRequest) error {
	members, err := object(body)
	if err != nil {
		return err
	}
	keys := r.Report.ReportKeys()
	fields := map[string]rawjson.Value{}
	named := slices.DeleteFunc(members, func(m rawjson.Member) bool {
		isField := m.Key != lists.TokensKey && slices.Contains(keys, m.Key)
		if isField {
			fields[m.Key] = m.Value
		}
		return isField
	})
	if r.BotID == "" && !r.Report.Named() {
		if r.BotID, err = botID(fields[lists.BotID.String()]); err != nil {
			return err
		}
	}
	if r.Values, err = r.Report.Parse(func(name string) rawjson.Value { return fields[name] }); err != nil {
		return invalid(err.Error())
	}
	if len(named) > maxNamed {
		return invalid("Body names more than " + strconv.Itoa(maxNamed) + " lists")
	}
	r.Tokens = namedTokens(named)
	return nil
}
