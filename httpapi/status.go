package httpapi

import (
	"encoding/json"
	"math"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/catalog"
	"aggregator/health"
)

// statusFresh is how long an answer about all lists is kept: making one costs more
// than most callers need it to be new.
const statusFresh = time.Second

// statusCache holds the last answer about all lists.
type statusCache struct {
	mu         sync.Mutex
	generation uint64 // of the catalog
	at         time.Time
	body       static
}

// listStatus is how a list is, as answers tell it.
type listStatus struct {
	Calls       int64            `json:"calls"`
	Answers     int64            `json:"answers"`
	Successes   int64            `json:"successes"`
	Probes      int64            `json:"probes,omitempty"`
	Faults      map[string]int64 `json:"faults"`
	Uptime      uptimes          `json:"uptime"`
	Latency     latencies        `json:"latency_ms"`
	LastSuccess *time.Time       `json:"last_success"`
	LastFailure *lastFailure     `json:"last_failure"`
	Circuit     string           `json:"circuit"`
}

type uptimes struct {
	Day     *float64 `json:"24h"`
	Week    *float64 `json:"7d"`
	Quarter *float64 `json:"90d"`
}

type latencies struct {
	P50 *int64 `json:"p50"`
	P95 *int64 `json:"p95"`
}

type lastFailure struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// listHealthBody is a listStatus with its bars.
type listHealthBody struct {
	listStatus
	Hours []bar `json:"hours"`
	Days  []bar `json:"days"`
}

type bar struct {
	From   time.Time `json:"from"`
	Calls  int64     `json:"calls"`
	Uptime *float64  `json:"uptime"`
}

// listsStatus answers GET /api/status: every list that is asked anything.
func (s *Server) listsStatus(c echo.Context) error {
	body, err := s.statusBody()
	if err != nil {
		return err
	}
	return answerKept(c, body)
}

func (s *Server) statusBody() (static, error) {
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	current, now := s.Catalog.Current(), s.now()
	if age := now.Sub(s.status.at); s.status.generation == current.Generation() && age >= 0 && age < statusFresh {
		return s.status.body, nil
	}
	all := s.Health.Lists(askedLists(current)...)
	told := make(map[string]listStatus, len(all))
	for _, l := range all {
		told[l.ID] = statusOf(l)
	}
	body, err := json.Marshal(map[string]any{"lists": told})
	if err != nil {
		return static{}, err
	}
	s.status.generation, s.status.at, s.status.body = current.Generation(), now, newStatic(body)
	return s.status.body, nil
}

// askedLists returns the ids of the lists that are asked anything.
func askedLists(c *catalog.Catalog) (ids []string) {
	for _, l := range c.Lists() {
		if l.IsAsked() {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// Uptimes returns the uptime in 24 hours of each list that is asked anything and
// has had calls.
func Uptimes(c *catalog.Catalog, r *health.Recorder) map[string]float64 {
	all := map[string]float64{}
	for _, l := range r.Lists(askedLists(c)...) {
		if part, ok := l.Day.Uptime(); ok {
			all[l.ID] = part
		}
	}
	return all
}

// listHealth answers GET /api/lists/:id/health.
func (s *Server) listHealth(c echo.Context) error {
	list, ok := s.Catalog.Current().List(pathID(c))
	if !ok {
		return errListNotFound
	}
	l := s.Health.List(list.ID)
	body, err := json.Marshal(listHealthBody{statusOf(l), barsOf(l.Hours), barsOf(l.Days)})
	if err != nil {
		return err
	}
	return answerKept(c, newStatic(body))
}

func statusOf(l health.List) listStatus {
	status := listStatus{
		Calls: l.Calls, Answers: l.Answers, Successes: l.Successes, Probes: l.Probes, Faults: map[string]int64{},
		Uptime: uptimes{uptimeOf(l.Day), uptimeOf(l.Week), uptimeOf(l.Quarter)}, Circuit: l.Circuit,
	}
	for _, f := range l.Faults {
		status.Faults[f.Kind] = f.N
	}
	if l.Answers > 0 {
		p50, p95 := wholeMilliseconds(l.P50), wholeMilliseconds(l.P95)
		status.Latency = latencies{&p50, &p95}
	}
	if at := seconds(l.LastSuccess); !at.IsZero() {
		status.LastSuccess = &at
	}
	if at := seconds(l.LastFailure.At); !at.IsZero() {
		status.LastFailure = &lastFailure{at, l.LastFailure.Reason()}
	}
	return status
}

// uptimeOf returns the uptime of a bar to six digits; nil without calls.
func uptimeOf(b health.Bar) *float64 {
	part, ok := b.Uptime()
	if !ok {
		return nil
	}
	part = math.Round(part*1e6) / 1e6
	return &part
}

func barsOf(all []health.Bar) []bar {
	bars := make([]bar, len(all))
	for i, b := range all {
		bars[i] = bar{b.From.UTC(), b.Calls, uptimeOf(b)}
	}
	return bars
}

func wholeMilliseconds(d time.Duration) int64 {
	return int64(d.Round(time.Millisecond) / time.Millisecond)
}

// seconds returns a time as answers tell it, in whole seconds and UTC.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// listsHealth is how lists are, in a few words of verboseHealth.
type listsHealth struct {
	Calls     int64     `json:"calls"`  // of 24 hours, to all lists
	Faults    int64     `json:"faults"` // of these
	Down      []string  `json:"down"`   // lists for which most calls fail just now
	AsOf      time.Time `json:"as_of,omitzero"`
	Unwritten int       `json:"unwritten"` // rows that wait for the store
	Lost      int64     `json:"lost"`      // outcomes that could not wait
}

// summary returns how lists are; nil where that is not recorded.
func (s *Server) summary() *listsHealth {
	if s.Health == nil {
		return nil
	}
	recording := s.Health.Recording()
	h := &listsHealth{Down: []string{}, AsOf: seconds(recording.AsOf), Unwritten: recording.Pending, Lost: recording.Dropped}
	for _, l := range s.Health.Lists(askedLists(s.Catalog.Current())...) {
		h.Calls += l.Day.Calls
		h.Faults += l.Day.Faults
		if l.Down() {
			h.Down = append(h.Down, l.ID)
		}
	}
	return h
}
