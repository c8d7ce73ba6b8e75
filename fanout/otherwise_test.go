package fanout

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"aggregator/lists"
)

// TestOtherwise checks when a post is made in the list's second way, and which
// answer counts.
func TestOtherwise(t *testing.T) {
	twoWays := func(e *lists.Entry) {
		e.Post = &lists.PostEntry{Otherwise: &lists.OtherwiseEntry{On: []int{401, 404}, PostEntry: lists.PostEntry{
			URL: "https://list.test/v1/me", Method: "PATCH", Auth: &lists.AuthEntry{Prefix: "Bearer "}}}}
	}
	const first, second = "POST /v0/" + bot + " " + secret, "PATCH /v1/me Bearer " + secret
	for _, tt := range []struct {
		name      string
		statuses  []int // of the answers, in turn
		asked     []string
		status    int
		otherwise bool
	}{
		{"the first knows the token", []int{200}, []string{first}, 200, false},
		{"the second knows the token", []int{401, 204}, []string{first, second}, 204, true},
		{"neither knows the token", []int{404, 401}, []string{first, second}, 404, false},
		{"the second refuses the values", []int{401, 422}, []string{first, second}, 422, true},
		{"the first refuses the values", []int{400}, []string{first}, 400, false},
		{"the first fails for a moment, then refuses", []int{502, 401, 200}, []string{first, first, second}, 200, true},
		{"the second fails for a moment", []int{401, 503, 200}, []string{first, second, second}, 200, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			transport := trip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
				return status(tt.statuses[min(len(asked), len(tt.statuses))-1])
			})
			c := New(transport, quiet, func(o *options) { o.pause = func() time.Duration { return 0 } })
			call := post(t, newList(t, "list.test", "https://list.test/v0/:id", twoWays), bot)
			got := run1(t, c, call, 10*time.Second)
			if got.Status != tt.status || got.Otherwise != tt.otherwise {
				t.Errorf("got %d, otherwise %t, want %d, %t", got.Status, got.Otherwise, tt.status, tt.otherwise)
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q, want %q", asked, tt.asked)
			}
		})
	}
}
