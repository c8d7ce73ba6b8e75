package fanout

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// TestCircuitsAreLogged opens a circuit, has a try of it fail, and closes it:
// the log tells of the first and the last.
func TestCircuitsAreLogged(t *testing.T) {
	noLeak(t)
	var log testkit.Log
	var answer atomic.Value
	answer.Store(silent)
	c := New(trip(func(r *http.Request) (*http.Response, error) { return answer.Load().(trip)(r) }), log.Logger(), rest(time.Millisecond), noPause)
	l := newList(t, "list.example", "https://list.example/:id")
	before := time.Now().Truncate(time.Second)
	five(t, c, post, l)
	halfOpen(t, c)
	run1(t, c, post(t, l, bot), time.Second) // a try that fails is no news
	answer.Store(replies(200))
	testkit.Wait(t, "the circuit to close", func() bool {
		run1(t, c, post(t, l, bot), time.Second)
		return stateOf(c, "posts") == "closed"
	})
	for msg, level := range map[string]string{"circuit opened": "WARN", "circuit closed": "INFO"} {
		all := log.Entries(t, msg)
		if len(all) != 1 {
			t.Errorf("%s: %d times, want once:\n%s", msg, len(all), log.String())
			continue
		}
		e := all[0]
		since, err := time.Parse(time.RFC3339, e["since"].(string))
		if err != nil || since.Before(before) || since.After(time.Now()) || e["level"] != level ||
			e["list"] != "list.example" || e["direction"] != "posts" || e["reason"] != "No such host" {
			t.Errorf("%s: %v", msg, e)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the token is logged: %s", log.String())
	}
}
