package httpapi

import (
	"bytes"

	"aggregator/aggregate"
	"aggregator/lists"
	"aggregator/rawjson"
)

// usualAnswer is about how many bytes an answer has.
const usualAnswer = 4 << 10

// noListHint is what a caller reads that has named no list at all.
const noListHint = `No list is named. Name each list by its id, with your token for it: {"LIST": "TOKEN"}. GET /api/lists has the ids.`

// EncodeCount returns the body that answers a count: {"success": {id: [status,
// text, sent]}, "failure": …, "why": {id: why}, "skipped": {id: why}}, the last
// two only with something in them; for a dry run, {"dry_run": true, "requests":
// …, "skipped": …}. Where no list was named there is a "hint" at its end.
func EncodeCount(a aggregate.CountAnswer) []byte {
	b := append(make([]byte, 0, usualAnswer), '{')
	if a.DryRun {
		b = rawjson.AppendBool(rawjson.AppendKey(b, "dry_run"), true)
		b = append(rawjson.AppendKey(b, "requests"), '{')
		for _, call := range a.Planned {
			b = appendRequest(rawjson.AppendKey(b, call.List.ID), call.Masked())
		}
		b = appendSkipped(append(b, '}'), a.Skipped)
		return append(appendHint(b, a), '}')
	}
	b = appendResults(rawjson.AppendKey(b, "success"), a.Results, true)
	b = appendResults(rawjson.AppendKey(b, "failure"), a.Results, false)
	b = appendWhy(b, a.Results)
	if len(a.Skipped) > 0 {
		b = appendSkipped(b, a.Skipped)
	}
	return append(appendHint(b, a), '}')
}

// appendHint appends the hint where no list was named: each that is named is
// in the answer.
func appendHint(b []byte, a aggregate.CountAnswer) []byte {
	if len(a.Results)+len(a.Planned)+len(a.Skipped) > 0 {
		return b
	}
	return rawjson.AppendString(rawjson.AppendKey(b, "hint"), noListHint)
}

// appendResults appends the results that went well, or those that did not.
func appendResults(b []byte, all []aggregate.Result, ok bool) []byte {
	b = append(b, '{')
	for _, r := range all {
		if r.OK != ok {
			continue
		}
		b = append(rawjson.AppendKey(b, r.List), '[')
		b = rawjson.AppendInt(b, int64(r.Status))
		b = rawjson.AppendString(append(b, ','), r.Text)
		b = rawjson.AppendString(append(b, ','), r.Sent)
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendWhy says of each failure with a status of success why it is one: from
// what the list answered, a page perhaps, people cannot tell.
func appendWhy(b []byte, all []aggregate.Result) []byte {
	begun := false
	for _, r := range all {
		if r.OK || r.Status/100 != 2 {
			continue
		}
		if !begun {
			b, begun = append(rawjson.AppendKey(b, "why"), '{'), true
		}
		b = rawjson.AppendString(rawjson.AppendKey(b, r.List), r.Why)
	}
	if begun {
		b = append(b, '}')
	}
	return b
}

func appendSkipped(b []byte, all []aggregate.Skipped) []byte {
	b = append(rawjson.AppendKey(b, "skipped"), '{')
	for _, s := range all {
		b = rawjson.AppendString(rawjson.AppendKey(b, s.ID), s.Why.String())
	}
	return append(b, '}')
}

// appendRequest appends a planned request as a dry run shows it.
func appendRequest(b []byte, r lists.Request) []byte {
	b = append(b, '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "method"), r.Method)
	b = rawjson.AppendString(rawjson.AppendKey(b, "url"), r.URL)
	b = append(rawjson.AppendKey(b, "headers"), '{')
	for _, h := range r.Header {
		b = rawjson.AppendString(rawjson.AppendKey(b, h.Name), h.Value)
	}
	b = append(b, '}')
	b = rawjson.AppendString(rawjson.AppendKey(b, "body"), string(r.Body))
	return append(b, '}')
}

// EncodeBot returns the body that answers a reading: the merged bot, then
// "list_data": {id: [data, status]}, then "skipped": {id: why} when there is
// something in it.
func EncodeBot(a aggregate.BotAnswer) []byte {
	size := usualAnswer
	for _, r := range a.Lists {
		size += len(r.Data)
	}
	b := append(make([]byte, 0, size), '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "id"), a.ID)
	for _, f := range lists.Fields() {
		b = f.AppendJSON(rawjson.AppendKey(b, f.Name), &a.Bot)
	}
	b = append(rawjson.AppendKey(b, "list_data"), '{')
	for _, r := range a.Lists {
		b = append(rawjson.AppendKey(b, r.List), '[')
		b = append(append(b, bytes.TrimSpace(r.Data)...), ',')
		b = append(rawjson.AppendInt(b, int64(r.Status)), ']')
	}
	b = append(b, '}')
	if len(a.Skipped) > 0 {
		b = appendSkipped(b, a.Skipped)
	}
	return append(b, '}')
}
