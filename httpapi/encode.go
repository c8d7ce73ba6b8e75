package httpapi

import (
	"bytes"
	"encoding/json"
	"strconv"

	"aggregator/aggregate"
	"aggregator/lists"
)

// EncodeCount returns the body that answers a count: {"success": {id: [status,
// text, sent]}, "failure": …, "skipped": {id: why}}, the last only with
// something in it; for a dry run, {"dry_run": true, "requests": …, "skipped":
// …}.
func EncodeCount(a aggregate.CountAnswer) ([]byte, error) {
	w := newWriter()
	if a.DryRun {
		w.raw(`{"dry_run":true,"requests":{`)
		for i, call := range a.Planned {
			w.comma(i)
			w.string(call.List.ID)
			w.raw(":")
			w.value(requestJSON(call.Masked()))
		}
		w.raw("}")
		w.skipped(a.Skipped, true)
		w.raw("}")
		return w.bytes()
	}
	w.raw(`{"success":{`)
	w.results(a.Results, true)
	w.raw(`},"failure":{`)
	w.results(a.Results, false)
	w.raw("}")
	w.skipped(a.Skipped, false)
	w.raw("}")
	return w.bytes()
}

// requestJSON returns a planned request as a dry run shows it.
func requestJSON(r lists.Request) any {
	headers := map[string]string{}
	for _, h := range r.Header {
		headers[h.Name] = h.Value
	}
	return struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}{r.Method, r.URL, headers, string(r.Body)}
}

// EncodeBot returns the body that answers a reading: the merged bot, then
// "list_data": {id: [data, status]}, then "skipped": {id: why} when there is
// something in it.
func EncodeBot(a aggregate.BotAnswer) ([]byte, error) {
	w := newWriter()
	w.value(a.Bot)
	w.out.Truncate(w.out.Len() - 1) // the closing brace
	w.raw(`,"list_data":{`)
	for i, r := range a.Lists {
		w.comma(i)
		w.string(r.List)
		w.raw(":[")
		w.value(r.Data)
		w.raw("," + strconv.Itoa(r.Status) + "]")
	}
	w.raw("}")
	w.skipped(a.Skipped, false)
	w.raw("}")
	return w.bytes()
}

// writer writes JSON objects whose keys have an order.
type writer struct {
	out bytes.Buffer
	enc *json.Encoder
	err error
}

func newWriter() *writer {
	w := &writer{}
	w.out.Grow(4 << 10)
	w.enc = json.NewEncoder(&w.out)
	w.enc.SetEscapeHTML(false) // an answer is read by programs, and < is a common sign
	return w
}

func (w *writer) raw(s string) { w.out.WriteString(s) }

func (w *writer) comma(i int) {
	if i > 0 {
		w.out.WriteByte(',')
	}
}

func (w *writer) string(s string) { w.out.Write(lists.AppendString(w.out.AvailableBuffer(), s)) }

func (w *writer) value(v any) {
	if err := w.enc.Encode(v); err != nil {
		w.err = err
		return
	}
	w.out.Truncate(w.out.Len() - 1) // the encoder ends a value with a line break
}

func (w *writer) results(all []aggregate.Result, ok bool) {
	n := 0
	for _, r := range all {
		if r.OK != ok {
			continue
		}
		w.comma(n)
		n++
		w.string(r.List)
		w.raw(":[")
		w.raw(strconv.Itoa(r.Status))
		w.raw(",")
		w.string(r.Text)
		w.raw(",")
		w.string(r.Sent)
		w.raw("]")
	}
}

func (w *writer) skipped(all []aggregate.Skipped, always bool) {
	if len(all) == 0 && !always {
		return
	}
	w.raw(`,"skipped":{`)
	for i, s := range all {
		w.comma(i)
		w.string(s.ID)
		w.raw(":")
		w.string(s.Why.String())
	}
	w.raw("}")
}

func (w *writer) bytes() ([]byte, error) { return w.out.Bytes(), w.err }
