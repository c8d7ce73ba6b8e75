package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// listHealth is what /api/status says of a list.
type listHealth struct {
	Calls, Answers, Successes, Probes int64
	Faults                            map[string]int64
	Uptime                            map[string]*float64
	LastSuccess                       *time.Time `json:"last_success"`
	LastFailure                       *struct {
		At     time.Time
		Reason string
	} `json:"last_failure"`
	Circuit string
}

// status returns what /api/status says of each list.
func (s *running) status(t *testing.T) map[string]listHealth {
	t.Helper()
	a := testkit.Send(t, "GET", s.Base+"/api/status", "")
	var body struct{ Lists map[string]listHealth }
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != 200 {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	return body.Lists
}

// wantCalls waits until a list has had so many calls, and returns how it is.
func (s *running) wantCalls(t *testing.T, list string, n int64) (l listHealth) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if l = s.status(t)[list]; l.Calls != n {
			return fmt.Errorf("%s has had %d calls, want %d", list, l.Calls, n)
		}
		return nil
	})
	return l
}

// TestHealthOfLists has the program meet lists with faults, and ends it in two
// ways: after SIGTERM all is kept, after a kill all but the last batch.
func TestHealthOfLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	store := "sqlite:" + filepath.Join(t.TempDir(), "health.db")
	start := func() *process { return r.start(t, nil, "--store", store, "--limit-count", "off", "--metrics", "main") }
	p := start()
	post := func(token string) {
		t.Helper()
		p.post(t, countBody(newBot(), `"one.test":"`+token+`","two.test":"t"`))
	}
	before := time.Now().Add(-2 * time.Second)
	post("t")
	r.On("one.test", testkit.Say(401, "text/plain", "no"))
	post("bad")
	r.On("one.test", testkit.InTurn(testkit.Say(502, "text/plain", "no"), testkit.Say(200, kindJSON, `{}`))) // a second try mends it
	post("t")
	r.On("one.test", testkit.Say(500, "text/html", "<html>"))
	post("t")
	r.On("one.test", testkit.Say(200, "text/html", "<html>"))
	post("t")
	r.On("one.test", hangUp)
	for range 4 {
		post("t")
	}
	l := p.wantCalls(t, "one.test", 9)
	if l.Answers != 5 || l.Successes != 2 || l.Faults["5xx"] != 1 || l.Faults["page"] != 1 || l.Faults["reset"] != 4 || len(l.Faults) != 3 || l.Probes != 0 {
		t.Errorf("%+v, want 5 answers, 2 successes, faults: a 5xx, a page, 4 resets", l)
	}
	if l.Uptime["24h"] == nil || *l.Uptime["24h"] != 0.333333 || *l.Uptime["7d"] != 0.333333 || *l.Uptime["90d"] != 0.333333 || l.Circuit != "closed" {
		t.Errorf("uptime %v, circuit %s; want a third", l.Uptime, l.Circuit)
	}
	if l.LastSuccess == nil || l.LastSuccess.Before(before) || l.LastFailure == nil || l.LastFailure.At.Before(before) || !regexp.MustCompile(isGone.text).MatchString(l.LastFailure.Reason) {
		t.Errorf("last success %v, last failure %+v", l.LastSuccess, l.LastFailure)
	}
	post("t")
	post("t") // of these, one opens the circuit
	if l := p.wantCalls(t, "one.test", 11); l.Circuit != "open" || l.Faults["reset"]+l.Faults["circuit"] != 6 {
		t.Errorf("circuit %s, faults %v; want it open, and its calls to be faults", l.Circuit, l.Faults)
	}
	for path, want := range map[string]string{
		"/":               `1 of 2 lists answers well; 1 is down; .*href="/status"`,
		"/status":         `one\.test.*class="mark down".*circuit open.*(?:` + isGone.text + `).*two\.test.*class="mark well"`,
		"/lists/one.test": `class="mark down".*circuit open.*uptime in 24 hours \(11 calls\).*(?:` + isGone.text + `)`,
	} {
		if page := testkit.Send(t, "GET", p.Base+path, "").Body; !regexp.MustCompile("(?s)" + want).MatchString(page) {
			t.Errorf("%s: want %s in it, got\n%s", path, want, page)
		}
	}
	if l := p.wantCalls(t, "two.test", 11); *l.Uptime["24h"] != 1 || l.LastFailure != nil || l.Successes != 11 {
		t.Errorf("the other list: %+v", l)
	}
	if metrics := testkit.Send(t, "GET", p.Base+"/metrics", "").Body; !strings.Contains(metrics, `aggregator_list_uptime_ratio{list="two.test"} 1`+"\n") {
		t.Errorf("no uptime of two.test in the metrics")
	}
	bars := testkit.Send(t, "GET", p.Base+"/api/lists/two.test/health", "").Body
	if !strings.Contains(bars, `"calls":11,"uptime":1}]`) {
		t.Errorf("bars: %s", bars)
	}
	if code := p.Stop(); code != exitDone {
		t.Fatalf("ended with %d: %s", code, p.Log)
	}

	p = start()
	if l := p.wantCalls(t, "one.test", 11); l.Circuit != "closed" || l.Faults["page"] != 1 {
		t.Errorf("after a restart: %+v", l)
	}
	r.On("one.test", nil)
	post("t")
	p.wantCalls(t, "one.test", 12)
	testkit.Wait(t, "the batch is written", func() bool {
		return strings.Contains(testkit.Send(t, "GET", p.Base+"/api/health?verbose", "").Body, `"unwritten":0`)
	})
	p.exe.Signal(t, syscall.SIGKILL)
	p.exe.Code(t)
	p = start()
	p.wantCalls(t, "one.test", 12)
	p.Stop()
}

// TestHealthOfReplicas wants what each replica sees to add up.
func TestHealthOfReplicas(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := newRig(t)
	a, b := r.replica(t, redis), r.replica(t, redis)
	for range 3 {
		a.post(t, countBody(newBot(), `"one.test":"t"`))
		b.post(t, countBody(newBot(), `"one.test":"t"`))
	}
	for _, p := range []*process{a, b} {
		if l := p.wantCalls(t, "one.test", 6); l.Successes != 6 {
			t.Errorf("%+v, want 6 successes", l)
		}
	}
	a.Stop()
	b.post(t, countBody(newBot(), `"one.test":"t"`))
	b.Stop()
	r.replica(t, redis).wantCalls(t, "one.test", 7)
}

// TestProbe wants each list that can be read to be asked about the bot, once in
// a while, however often the program is started.
func TestProbe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	store := "sqlite:" + filepath.Join(t.TempDir(), "probe.db")
	bot := newBot()
	args := []string{"--store", store, "--probe", "10m", "--probe-bot", bot}
	p := r.start(t, nil, args...)
	l := p.wantCalls(t, "one.test", 1)
	if l.Probes != 1 || l.Successes != 1 {
		t.Errorf("%+v, want a probe that went well", l)
	}
	asked := r.Take()
	for _, a := range asked {
		if a.Method != "GET" || !strings.Contains(a.URI, bot) {
			t.Errorf("%s %s, want readings of the bot alone", a.Method, a.URI)
		}
	}
	p.read(t, newBot())
	if l := p.wantCalls(t, "one.test", 2); l.Probes != 1 {
		t.Errorf("%d probes, want 1: the other call was a caller's", l.Probes)
	}
	r.Take()
	p.Stop()
	p = r.start(t, nil, args...)
	p.read(t, newBot())
	p.wantCalls(t, "one.test", 3)
	for _, a := range r.Take() {
		if strings.Contains(a.URI, bot) {
			t.Errorf("%s was probed again after a restart", a.List)
		}
	}
	p.Stop()
	for _, wrong := range [][]string{
		{"--probe", "10m"}, {"--probe-bot", bot}, {"--probe", "10s", "--probe-bot", bot}, {"--probe", "25h", "--probe-bot", bot},
		{"--probe", "often", "--probe-bot", bot}, {"--probe", "10m", "--probe-bot", "me"},
	} {
		if e := runToEnd(t, nil, append([]string{"serve"}, wrong...)...); e.Code != exitUsage || !strings.Contains(e.ErrOut, "--probe") {
			t.Errorf("%q ended with %d: %s", wrong, e.Code, e.ErrOut)
		}
	}
}
