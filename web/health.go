package web

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"aggregator/catalog"
	"aggregator/health"
	"aggregator/lists"
)

// Health says how lists are, as a [health.Recorder] does.
type Health interface {
	Lists(ids ...string) []health.List // in the order asked
}

// howFor is how long pages use what was said of all lists: saying it costs more
// than most readers need it to be new.
const howFor = time.Second

// howLists keeps how the lists are that are asked anything.
type howLists struct {
	health Health
	now    func() time.Time

	mu         sync.Mutex
	generation uint64 // of the catalog
	at         time.Time
	all        []health.List
}

// of returns how the lists of a catalog are that are asked anything, in its order.
// Nobody may change it.
func (h *howLists) of(c *catalog.Catalog) []health.List {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if age := now.Sub(h.at); h.all != nil && h.generation == c.Generation() && age >= 0 && age < howFor {
		return h.all
	}
	var ids []string
	for _, l := range c.Lists() {
		if l.IsAsked() {
			ids = append(ids, l.ID)
		}
	}
	h.generation, h.at, h.all = c.Generation(), now, h.health.Lists(ids...)
	return h.all
}

// byID returns how lists are, by their ids.
func byID(all []health.List) map[string]health.List {
	m := make(map[string]health.List, len(all))
	for _, l := range all {
		m[l.ID] = l
	}
	return m
}

// how returns how one list is. ok is false for one that is never asked.
func (s *Site) how(l *lists.List) (h health.List, ok bool) {
	if !l.IsAsked() {
		return health.List{}, false
	}
	return s.Health.Lists(l.ID)[0], true
}

// stateMark is how pages show a state: its class, which has a colour and a sign,
// and its words.
type stateMark struct{ Class, Words string }

func markOf(l health.List) stateMark {
	switch l.State() {
	case health.StateDown:
		return stateMark{"down", "Down"}
	case health.StateTroubled:
		return stateMark{"trouble", "Trouble"}
	case health.StateWell:
		return stateMark{"well", "Answers well"}
	case health.StateQuiet:
		return stateMark{"quiet", "No traffic for " + span(l.Quiet())}
	}
	if l.LastCall.IsZero() {
		return stateMark{"quiet", "Never asked yet"}
	}
	return stateMark{"quiet", "No traffic in 24 hours"}
}

// stateLine says how lists are, in one line without a full stop.
func stateLine(all []health.List) string {
	var n [health.StateUnasked + 1]int
	for _, l := range all {
		n[l.State()]++
	}
	well, troubled, down := n[health.StateWell], n[health.StateTroubled], n[health.StateDown]
	asked := well + troubled + down
	var parts []string
	switch {
	case asked == 0:
		return "No list was asked anything in the last hour, so nobody knows how they do"
	case well == asked && asked == 1:
		parts = append(parts, "The one list that was asked in the last hour answers well")
	case well == asked:
		parts = append(parts, fmt.Sprintf("All %d lists that were asked in the last hour answer well", asked))
	case asked == 1:
		parts = append(parts, "One list was asked in the last hour")
	default:
		parts = append(parts, fmt.Sprintf("%d of %d lists %s well", well, asked, verb(well, "answers", "answer")))
	}
	if troubled > 0 {
		parts = append(parts, strconv.Itoa(troubled)+" had trouble in the last hour")
	}
	if down > 0 {
		parts = append(parts, plural(down, "is down", "are down"))
	}
	if rest := len(all) - asked; rest > 0 {
		parts = append(parts, strconv.Itoa(rest)+" had no traffic")
	}
	return strings.Join(parts, "; ")
}

// percent returns which part of the calls of a bar met no fault, rounded down to
// a hundredth of a percent, so that 100% is said of no list that failed; "" without
// calls.
func percent(b health.Bar) string {
	if b.Calls == 0 {
		return ""
	}
	hundredths := (b.Calls - b.Faults) * 100_00 / b.Calls
	switch {
	case b.Faults == 0:
		return "100%"
	case b.Faults == b.Calls:
		return "0%"
	case hundredths == 0:
		return "under 0.01%"
	}
	return strconv.FormatFloat(float64(hundredths)/100, 'f', 2, 64) + "%"
}

// took returns how long answers took, in words.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

// count returns a number and what it counts.
func count(n int64, one, many string) string { return grouped(n) + " " + verb64(n, one, many) }
