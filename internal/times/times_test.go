package times_test

import (
	"testing"
	"time"

	"aggregator/internal/times"
)

func TestLaterAndEarlier(t *testing.T) {
	t.Parallel()
	one, two := time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct {
		name                 string
		a, b, later, earlier time.Time
	}{
		{"in order", one, two, two, one},
		{"out of order", two, one, two, one},
		{"the same", one, one, one, one},
		{"the first zero", time.Time{}, one, one, one},
		{"the second zero", one, time.Time{}, one, one},
	} {
		if got := times.Later(tt.a, tt.b); !got.Equal(tt.later) {
			t.Errorf("%s: the later is %s, want %s", tt.name, got, tt.later)
		}
		if got := times.Earlier(tt.a, tt.b); !got.Equal(tt.earlier) {
			t.Errorf("%s: the earlier is %s, want %s", tt.name, got, tt.earlier)
		}
	}
}
