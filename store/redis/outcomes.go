package redis

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"aggregator/store"
)

const (
	batchTTL = time.Hour // for which a batch of outcomes is known
	// fieldsAtOnce is how many values one script reads.
	fieldsAtOnce = 2_000
)

// outcomes is the [store.Outcomes] of a Store. What Redis loses of it is not
// told again: it is history, and holds nobody back.
type outcomes struct{ *link }

// Add implements [store.Outcomes].
func (s *outcomes) Add(ctx context.Context, b store.OutcomeBatch) error {
	if err := b.Check(); err != nil {
		return err
	}
	args := make([]any, 0, 5+6*len(b.Entries))
	args = append(args, hex.EncodeToString(b.ID[:]), batchTTL.Milliseconds(), store.MaxSeries, store.Days.Kept().Milliseconds(), int(store.FigureFirstFault))
	for _, e := range b.Entries {
		failure := ""
		if f := e.Failure; !f.At.IsZero() {
			failure = stamp(f.At) + " " + strconv.Itoa(f.Kind) + " " + strconv.Itoa(f.Status) + " " + f.Detail
		}
		args = append(args, e.List+" "+e.Op, e.Slot.Unix(), e.Tally.String(), stamp(e.Call), stamp(e.Success), failure)
	}
	_, err := s.ask(ctx, addOutcomesScript, nil, args)
	return err
}

// stamp returns a time in Unix milliseconds, "" for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// ofStamp returns the time of a stamp, the zero time for anything else.
func ofStamp(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// outcomeField is a row that is asked for.
type outcomeField struct {
	period store.Period
	from   time.Time
}

// Load implements [store.Outcomes]. It reads a part at a time: what changes
// meanwhile is seen or not.
func (s *outcomes) Load(ctx context.Context, q store.OutcomeQuery) ([]store.OutcomeSeries, error) {
	var fields []outcomeField
	var names []any
	for _, p := range store.Periods() {
		begin := q.Earliest(p)
		for ; !begin.IsZero() && !begin.After(q.Until); begin = begin.Add(time.Duration(p)) {
			fields = append(fields, outcomeField{p, begin})
			names = append(names, strconv.FormatInt(seconds(time.Duration(p)), 10)+" "+strconv.FormatInt(begin.Unix(), 10))
		}
	}
	r, err := s.ask(ctx, outcomeNamesScript, nil, nil)
	if err != nil {
		return nil, err
	}
	all := make([]store.OutcomeSeries, len(r.values))
	values := make([][]string, len(r.values))
	for i, v := range r.values {
		name, _ := v.(string)
		all[i].List, all[i].Op, _ = strings.Cut(name, " ")
	}
	// Fields in parts, each of several names.
	for from := 0; from == 0 || from < len(names); from += fieldsAtOnce {
		part := names[from:min(from+fieldsAtOnce, len(names))]
		atOnce := max(1, fieldsAtOnce/(3+len(part)))
		for i := 0; i < len(r.values); i += atOnce {
			some := r.values[i:min(i+atOnce, len(r.values))]
			read, err := s.read(ctx, some, part)
			if err != nil {
				return nil, err
			}
			for j := range some {
				all[i+j].Latest = latestOf(read[j])
				values[i+j] = append(values[i+j], read[j][3:]...)
			}
		}
	}
	for i := range all {
		for j, text := range values[i] {
			if tally, ok := store.ParseTally(text); ok {
				of := all[i].Of(fields[j].period)
				*of = append(*of, store.OutcomePeriod{From: fields[j].from, Tally: tally})
			}
		}
	}
	return store.SortSeries(all), nil
}

// read reads what last became of calls, and fields, of some names.
func (s *outcomes) read(ctx context.Context, names, fields []any) ([][]string, error) {
	args := append(append([]any{len(names)}, names...), fields...)
	r, err := s.ask(ctx, loadOutcomesScript, nil, args)
	if err != nil {
		return nil, err
	}
	each := 3 + len(fields)
	if len(r.values) != each*len(names) {
		return nil, errReply
	}
	all := make([][]string, len(names))
	for i, v := range r.values {
		text, _ := v.(string)
		all[i/each] = append(all[i/each], text)
	}
	return all, nil
}

// latestOf reads what last became of calls.
func latestOf(values []string) store.Latest {
	l := store.Latest{Call: ofStamp(values[0]), Success: ofStamp(values[1])}
	if parts := strings.SplitN(values[2], " ", 4); len(parts) == 4 {
		l.Failure = store.Failure{At: ofStamp(parts[0]), Detail: parts[3]}
		l.Failure.Kind, _ = strconv.Atoi(parts[1]) // as Add has written it
		l.Failure.Status, _ = strconv.Atoi(parts[2])
	}
	return l
}
