package lists

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aggregator/rawjson"
)

// Report is a kind of report: what a bot tells lists beside its count, or asks
// them. A new one is an Op, a row of reportTable and its part of ReportsEntry,
// beside its route.
type Report struct {
	Op     Op
	Does   string        // what a bot does with it, for people, as in "To send a heartbeat"
	Part   string        // key of its part of an entry
	Values []ReportValue // that it can hold
	Yields Yields        // what its lists' answers come to

	// How often one caller may send it for one bot.
	Requests int64
	Interval time.Duration

	named   bool // about a developer, by a name, and about no bot
	reads   bool // it changes nothing at the list
	changes bool // it holds what is to be changed, and nothing else
	revokes bool // where it succeeds, the token is made invalid
	entry   func(*ReportsEntry) *ReportEntry
}

// Yields says what the answers of lists to a report come to.
type Yields int

// What answers come to.
const (
	YieldVerdicts Yields = iota // whether each list took it
	YieldTotals                 // how many votes the bot has
	YieldData                   // what each list says, as it says it
)

// The kinds of reports.
var (
	Commands     = &reportTable[0]
	Heartbeat    = &reportTable[1]
	Errors       = &reportTable[2]
	Edit         = &reportTable[3]
	Announcement = &reportTable[4]
	Analytics    = &reportTable[5]
	Invalidate   = &reportTable[6]
	VoteTotals   = &reportTable[7]
	Developer    = &reportTable[8]
)

const numReports = 9

// reports is the direction of all reports.
const reports = "reports"

var reportTable = [numReports]Report{
	{
		Op:   Op{Name: "commands", Direction: reports, One: "upload", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true, ProvesOwner: true},
		Does: "upload a bot's commands",
		Part: "commands", Requests: 1, Interval: 120 * time.Second,
		Values: []ReportValue{{Name: "commands", Kind: ValueCommands, Required: true}},
		entry:  func(e *ReportsEntry) *ReportEntry { return e.Commands },
	},
	{
		Op:   Op{Name: "heartbeats", Direction: reports, One: "heartbeat", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true, ProvesOwner: true},
		Does: "send a heartbeat",
		Part: "heartbeat", Requests: 1, Interval: 60 * time.Second,
		Values: []ReportValue{
			{Name: "online", Kind: ValueFlag, Required: true},
			{Name: "ping_ms", Kind: ValueWhole},
			{Name: "server_count", Kind: ValueWhole},
			{Name: "shard_count", Kind: ValueWhole},
			{Name: "memory_mb", Kind: ValueWhole},
			{Name: "cpu_percent", Kind: ValuePercent},
			{Name: "uptime_seconds", Kind: ValueWhole},
			{Name: "errors_last_hour", Kind: ValueWhole},
			{Name: "last_crash_at", Kind: ValueTime},
		},
		entry: func(e *ReportsEntry) *ReportEntry { return e.Heartbeat },
	},
	{
		Op:   Op{Name: "errors", Direction: reports, One: "error report", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, ProvesOwner: true},
		Does: "report an error",
		Part: "errors", Requests: 6, Interval: time.Minute,
		Values: []ReportValue{{Name: "message", Kind: ValueText, Required: true}, {Name: "stack", Kind: ValueText}},
		entry:  func(e *ReportsEntry) *ReportEntry { return e.Errors },
	},
	{
		Op:   Op{Name: "edits", Direction: reports, One: "edit", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true, ProvesOwner: true},
		Does: "change what it shows of a bot",
		Part: "listing", Requests: 1, Interval: 120 * time.Second, changes: true,
		Values: []ReportValue{{Name: "short_description", Kind: ValueText}, {Name: "tags", Kind: ValueTexts}, {Name: "invite", Kind: ValueURL}},
		entry:  func(e *ReportsEntry) *ReportEntry { return e.Listing },
	},
	{
		Op:   Op{Name: "announcements", Direction: reports, One: "announcement", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, ProvesOwner: true},
		Does: "announce news",
		Part: "announcements", Requests: 1, Interval: 120 * time.Second,
		Values: []ReportValue{{Name: "title", Kind: ValueText, Required: true}, {Name: "text", Kind: ValueText, Required: true}},
		entry:  func(e *ReportsEntry) *ReportEntry { return e.Announcements },
	},
	{
		Op:   Op{Name: "analytics", Direction: reports, One: "submission", Timeout: 10 * time.Second, MaxAnswer: 512 << 10},
		Does: "report how a bot is used in a server",
		Part: "analytics", Requests: 1, Interval: 60 * time.Second,
		Values: []ReportValue{
			{Name: "server_id", Kind: ValueSnowflake, Required: true},
			{Name: "active_users", Kind: ValueWhole, Required: true},
			{Name: "timestamp", Kind: ValueTime, Now: true},
		},
		entry: func(e *ReportsEntry) *ReportEntry { return e.Analytics },
	},
	{
		Op:   Op{Name: "invalidations", Direction: reports, One: "invalidation", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, NewConnection: true, ProvesOwner: true},
		Does: "make a token invalid",
		Part: "invalidate", Requests: 1, Interval: 30 * time.Second, revokes: true,
		entry: func(e *ReportsEntry) *ReportEntry { return e.Invalidate },
	},
	{
		Op:   Op{Name: "vote_totals", Direction: reports, One: "call", Timeout: 3 * time.Second, MaxAnswer: 512 << 10, FollowsRedirects: true, MayRepeat: true},
		Does: "read how many votes a bot has",
		Part: "vote_totals", Requests: 1, Interval: 30 * time.Second, Yields: YieldTotals, reads: true,
		entry: func(e *ReportsEntry) *ReportEntry { return e.VoteTotals },
	},
	{
		Op:   Op{Name: "developers", Direction: reports, One: "call", Timeout: 3 * time.Second, MaxAnswer: 512 << 10, FollowsRedirects: true, MayRepeat: true},
		Does: "read the status of a developer",
		Part: "developer", Requests: 1, Interval: 30 * time.Second, Yields: YieldData, reads: true, named: true,
		entry: func(e *ReportsEntry) *ReportEntry { return e.Developer },
	},
}

// Reports returns all kinds of reports.
func Reports() []*Report {
	all := make([]*Report, numReports)
	for i := range reportTable {
		all[i] = &reportTable[i]
	}
	return all
}

// Entry returns the part of an entry that is of the kind; nil if it has none.
func (r *Report) Entry(e *Entry) *ReportEntry { return r.entry(&e.ReportsEntry) }

// Named reports whether reports of the kind are about a developer, by a name, and
// about no bot.
func (r *Report) Named() bool { return r.named }

// Reads reports whether reports of the kind change nothing at a list.
func (r *Report) Reads() bool { return r.reads }

// Revokes reports whether a list that has taken a report of the kind no longer
// takes the token. Such a report goes to no list that is not named.
func (r *Report) Revokes() bool { return r.revokes }

// Changes reports whether reports of the kind hold only what is to be changed.
func (r *Report) Changes() bool { return r.changes }

// index returns the row of the kind.
func (r *Report) index() int {
	for i := range reportTable {
		if r == &reportTable[i] {
			return i
		}
	}
	panic("lists: a Report that is no row of the table")
}

// IsDeveloper reports whether s can be the name of a developer at a list: 1 to 64
// letters, digits, dots, dashes and underscores, none of them "." or "..".
func IsDeveloper(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64 && s != "." && s != ".."
}

// Keys returns the keys of a report's body that are not ids of lists.
func (r *Report) Keys() []string {
	keys := []string{BotID.String(), TokensKey}
	for _, v := range r.Values {
		keys = append(keys, v.Name)
	}
	return keys
}

// Parse returns the values of a report, each as it is given under its name; the
// zero Value for none. The error says what is wrong, in words for whoever sent it.
func (r *Report) Parse(given func(name string) rawjson.Value) (ReportValues, error) {
	values := make(ReportValues, len(r.Values))
	some := false
	for i := range r.Values {
		v := &r.Values[i]
		var err error
		if values[i], err = v.parse(given(v.Name)); err != nil {
			return nil, err
		}
		some = some || !values[i].IsZero()
	}
	if r.Changes() && !some {
		return nil, errNoChange
	}
	return values, nil
}

// Samples returns values for explanations, all that a report of the kind can hold.
func (r *Report) Samples() ReportValues {
	values := make(ReportValues, len(r.Values))
	for i := range values {
		values[i] = r.Values[i].Sample()
	}
	return values
}

// ParseObject returns the values of a report in a JSON object, which holds nothing
// else. The error is in words for whoever made it.
func (r *Report) ParseObject(object []byte) (ReportValues, error) {
	v, ok := rawjson.Parse(object)
	if !ok || v.Kind() != rawjson.Object {
		return nil, errors.New("the values of a report are a JSON object")
	}
	names := make([]string, len(r.Values))
	for i, value := range r.Values {
		names[i] = value.Name
	}
	for _, m := range v.Members() {
		if !slices.Contains(names, m.Key) {
			return nil, fmt.Errorf("'%s' is no value of this report; allowed: %s", m.Key, strings.Join(names, ", "))
		}
	}
	return r.Parse(v.Get)
}

// Complete returns the values with the time now where one is given that nobody
// gave.
func (r *Report) Complete(values ReportValues, now time.Time) ReportValues {
	for i, v := range r.Values {
		if v.Now && values[i].IsZero() {
			values = append(ReportValues(nil), values...)
			values[i], _ = rawjson.Parse(rawjson.AppendString(nil, now.UTC().Format(time.RFC3339)))
		}
	}
	return values
}

// Number returns a whole number that a report holds. ok is false where it holds
// none under the name.
func (r *Report) Number(values ReportValues, name string) (n int64, ok bool) {
	for i, v := range r.Values {
		if v.Name == name && v.Kind == ValueWhole && i < len(values) && !values[i].IsZero() {
			n, _, ok = WholeNumber(values[i])
			return n, ok
		}
	}
	return 0, false
}
