package lists

import (
	"net/http"
	"testing"
	"time"
)

func TestWaitUntil(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	header := func(name, value string) Answer { return Answer{Header: map[string][]string{name: {value}}} }
	after := func(value string) Answer { return header("Retry-After", value) }
	ms := []WaitEntry{{Header: "retry-after", Unit: "ms"}}
	body := []WaitEntry{{Body: "retry_after"}}
	seconds := []WaitEntry{{Body: "retry_after", Unit: "s"}}
	nested := []WaitEntry{{Body: "error.wait", Unit: "ms"}}
	unix := []WaitEntry{{Header: "X-RateLimit-Reset", Unit: "unix"}}
	unixMS := []WaitEntry{{Header: "X-RateLimit-Reset", Unit: "unix_ms"}}
	several := []WaitEntry{{Header: "Retry-After"}, {Header: "X-RateLimit-Reset", Unit: "unix"}, {Body: "wait", Unit: "ms"}}
	const nothing = -1
	for _, tt := range []struct {
		name   string
		wait   []WaitEntry
		answer Answer
		want   time.Duration // from now; nothing when nothing sensible is said
	}{
		{"nothing said", nil, Answer{}, nothing},
		{"seconds", nil, after("30"), 30 * time.Second},
		{"one second", nil, after("1"), time.Second},
		{"half a second", nil, after("0.5"), 500 * time.Millisecond},
		{"fraction of a millisecond is rounded up", nil, after("0.0001"), time.Millisecond},
		{"white space around it", nil, after(" 30 "), 30 * time.Second},
		{"zero", nil, after("0"), nothing},
		{"negative", nil, after("-5"), nothing},
		{"date", nil, after("Sun, 22 Nov 2026 12:05:00 GMT"), 5 * time.Minute},
		{"date in the past", nil, after("Sun, 22 Nov 2026 11:59:59 GMT"), nothing},
		{"date now", nil, after("Sun, 22 Nov 2026 12:00:00 GMT"), nothing},
		{"words", nil, after("later"), nothing},
		{"empty", nil, after(""), nothing},
		{"number and unit", nil, after("30s"), nothing},
		{"not a number", nil, after("NaN"), nothing},
		{"infinite", nil, after("Inf"), nothing},
		{"huge", nil, after("1e300"), nothing},
		{"beyond doubles", nil, after("1e400"), nothing},
		{"many digits", nil, after("99999999999999999999"), nothing},
		{"a year at most", nil, after("4000000000"), 365 * 24 * time.Hour},
		{"second header line is not read", nil, Answer{Header: map[string][]string{"Retry-After": {"5", "60"}}}, 5 * time.Second},
		{"body is not read without a place", nil, Answer{Body: []byte(`{"retry_after":5}`)}, nothing},

		{"milliseconds", ms, after("1500"), 1500 * time.Millisecond},
		{"milliseconds, negative", ms, after("-1500"), nothing},
		{"milliseconds, fraction", ms, after("0.2"), time.Millisecond},
		{"milliseconds, date", ms, after("Sun, 22 Nov 2026 12:05:00 GMT"), 5 * time.Minute},
		{"milliseconds, huge", ms, after("1e14"), nothing},

		{"body: number", body, Answer{Body: []byte(`{"retry_after":5}`)}, 5 * time.Second},
		{"body: number, the unit said", seconds, Answer{Body: []byte(`{"retry_after":5}`)}, 5 * time.Second},
		{"body: fraction", body, Answer{Body: []byte(`{"retry_after":1.25}`)}, 1250 * time.Millisecond},
		{"body: string", body, Answer{Body: []byte(`{"retry_after":"5"}`)}, 5 * time.Second},
		{"body: date", body, Answer{Body: []byte(`{"retry_after":"Sun, 22 Nov 2026 12:05:00 GMT"}`)}, 5 * time.Minute},
		{"body: null", body, Answer{Body: []byte(`{"retry_after":null}`)}, nothing},
		{"body: boolean", body, Answer{Body: []byte(`{"retry_after":true}`)}, nothing},
		{"body: object", body, Answer{Body: []byte(`{"retry_after":{"s":5}}`)}, nothing},
		{"body: missing", body, Answer{Body: []byte(`{}`)}, nothing},
		{"body: no JSON", body, Answer{Body: []byte(`slow down`)}, nothing},
		{"body: header is not read", body, after("30"), nothing},
		{"body: nested", nested, Answer{Body: []byte(`{"error":{"wait":2000}}`)}, 2 * time.Second},
		{"body: nested in nothing", nested, Answer{Body: []byte(`{"error":5}`)}, nothing},

		{"unix", unix, header("X-Ratelimit-Reset", "1795348860"), time.Minute},
		{"unix with a fraction", unix, header("X-Ratelimit-Reset", "1795348860.5"), time.Minute + 500*time.Millisecond},
		{"unix, past", unix, header("X-Ratelimit-Reset", "1795348799"), nothing},
		{"unix, seconds by mistake", unix, header("X-Ratelimit-Reset", "60"), nothing},
		{"unix milliseconds", unixMS, header("X-Ratelimit-Reset", "1795348860250"), time.Minute + 250*time.Millisecond},
		{"unix milliseconds, seconds by mistake", unixMS, header("X-Ratelimit-Reset", "1795348860"), nothing},

		{"several: the first is latest", several, Answer{Header: map[string][]string{"Retry-After": {"90"}, "X-Ratelimit-Reset": {"1795348860"}}, Body: []byte(`{"wait":1000}`)}, 90 * time.Second},
		{"several: the second is latest", several, Answer{Header: map[string][]string{"Retry-After": {"30"}, "X-Ratelimit-Reset": {"1795348860"}}, Body: []byte(`{"wait":1000}`)}, time.Minute},
		{"several: the last is latest", several, Answer{Header: map[string][]string{"Retry-After": {"30"}, "X-Ratelimit-Reset": {"1795348860"}}, Body: []byte(`{"wait":120000}`)}, 2 * time.Minute},
		{"several: one speaks", several, Answer{Body: []byte(`{"wait":1000}`)}, time.Second},
		{"several: one speaks sense", several, Answer{Header: map[string][]string{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"-1"}}, Body: []byte(`{"wait":1000}`)}, time.Second},
		{"several: none speaks sense", several, Answer{Header: map[string][]string{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"-1"}}, Body: []byte(`{"wait":0}`)}, nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for kind, call := range map[string]Call{
				"post":    mustPost(t, onlyPost(PostEntry{Wait: tt.wait}), Count{}, `"tok"`),
				"reading": mustRead(t, "list.test", &GetEntry{Wait: tt.wait}).Call,
			} {
				tt.answer.Status = http.StatusTooManyRequests
				until, ok := call.WaitUntil(tt.answer, now)
				switch {
				case ok != (tt.want != nothing):
					t.Errorf("%s: said %t, until %s", kind, ok, until)
				case ok && until.Sub(now) != tt.want:
					t.Errorf("%s: wait for %s, want %s", kind, until.Sub(now), tt.want)
				case !ok && !until.IsZero():
					t.Errorf("%s: nothing said, and yet until %s", kind, until)
				}
			}
		})
	}
}

// Posts and readings of one list may each say it in their own place.
func TestWaitUntilOfPostsAndReadings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	l := mustList(t, "list.test", Entry{
		Post: &PostEntry{URL: "https://list.test/:id", Wait: []WaitEntry{{Header: "X-Post"}}},
		Get:  &GetEntry{URL: "https://list.test/:id", Wait: []WaitEntry{{Header: "X-Get"}}},
	})
	post, _ := l.PlanPost(Count{BotID: someBot}, NewToken("tok", ""), someAgent)
	get, _ := l.PlanRead(someBot, Token{}, someAgent)
	answer := Answer{Status: http.StatusTooManyRequests, Header: map[string][]string{"X-Post": {"10"}, "X-Get": {"20"}, "Retry-After": {"30"}}}
	for name, tt := range map[string]struct {
		call Call
		want time.Duration
	}{"post": {post, 10 * time.Second}, "reading": {get.Call, 20 * time.Second}} {
		if until, ok := tt.call.WaitUntil(answer, now); !ok || until.Sub(now) != tt.want {
			t.Errorf("%s: %s, %t; want %s", name, until.Sub(now), ok, tt.want)
		}
	}
}

// TestWaitUntilWithoutRefusal reads what lists tell with every answer: limits
// that are not used up hold nobody.
func TestWaitUntilWithoutRefusal(t *testing.T) {
	now := time.Unix(1795348800, 0)
	l := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id", Post: &PostEntry{
		Wait: []WaitEntry{{Header: "RateLimit-Reset"}, {Header: "Retry-After", Unit: "ms"}},
	}})
	call, _ := l.PlanPost(Count{BotID: "123456789012345678"}, NewToken("token", ""), "")
	for status, holds := range map[int]bool{200: false, 400: false, 404: false, 500: false, 429: true, 503: true} {
		reset := Answer{Status: status, Header: map[string][]string{"Ratelimit-Reset": {"50"}}}
		if _, ok := call.WaitUntil(reset, now); ok != holds {
			t.Errorf("%d with RateLimit-Reset holds: %t, want %t", status, ok, holds)
		}
		after := Answer{Status: status, Header: map[string][]string{"Retry-After": {"50"}}}
		if until, ok := call.WaitUntil(after, now); !ok || until.Sub(now) != 50*time.Millisecond {
			t.Errorf("%d with Retry-After: %v, %t", status, until, ok)
		}
	}
}
