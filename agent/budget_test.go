package agent

import (
	"testing"
	"time"
)

// A bot of one's own counts as accepted where a list has a budget for our
// address: tokens that it is not known to accept have a part of that alone.
func TestOwnBotsCountAsAccepted(t *testing.T) {
	w := newWorld(t, `bots:
  "123456789012345678": {tokens: {ten.example: a}, posts: {every: 24h, count: {url: "http://bot/", server_count: n}}}
  "123456789012345679": {tokens: {ten.example: b}, posts: {every: 24h, count: {url: "http://bot/", server_count: n}}}
  "123456789012345680": {tokens: {ten.example: c}, posts: {every: 24h, count: {url: "http://bot/", server_count: n}}}
`)
	w.run(noon.Add(time.Minute), w.agent())
	if got := w.times("ten.example", ""); len(got) != 3 {
		t.Errorf("posts at %s within the first minute, want one of each bot", got)
	}
}
