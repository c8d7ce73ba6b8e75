package lists

import (
	"testing"
	"time"
)

func TestInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Second: "a second", 5 * time.Second: "5 seconds", 90 * time.Second: "90 seconds", time.Minute: "a minute", 6 * time.Hour: "6 hours", 24 * time.Hour: "a day", 48 * time.Hour: "2 days", 0: "0s",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestJoins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{andAll(nil), ""}, {andAll([]string{"a"}), "a"}, {andAll([]string{"a", "b"}), "a and b"}, {andAll([]string{"a", "b", "c"}), "a, b, and c"},
		{anyOf(nil), ""}, {anyOf([]int{401}), "401"}, {anyOf([]int{401, 403}), "401 or 403"}, {anyOf([]int{401, 403, 404}), "401, 403 or 404"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
