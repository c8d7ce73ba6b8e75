package aggregate_test

import (
	"fmt"
	"slices"
	"testing"

	"aggregator/aggregate"
	"aggregator/lists"
)

// TestServers wants the number of servers to be told of bots that a list knows,
// and of no others.
func TestServers(t *testing.T) {
	t.Parallel()
	number := func(n int64) *int64 { return &n }
	tokens := []aggregate.NamedToken{{ID: "a.test", Token: lists.NewToken("t", "")}}
	for name, tt := range map[string]struct {
		answer lists.Answer
		count  *lists.Count // nil: the bot is read
		dryRun bool
		want   string
	}{
		"posted":                 {good, &lists.Count{ServerCount: 7}, false, "7 true"},
		"posted, none":           {good, &lists.Count{}, false, "0 true"},
		"posted by one shard":    {good, &lists.Count{ServerCount: 7, ShardID: number(0), ShardCount: number(2)}, false, ""},
		"posted by the only one": {good, &lists.Count{ServerCount: 7, ShardID: number(0), ShardCount: number(1)}, false, "7 true"},
		"posted, not taken":      {lists.Answer{Status: 401}, &lists.Count{ServerCount: 7}, false, ""},
		"dry run":                {good, &lists.Count{ServerCount: 7}, true, ""},
		"read":                   {lists.NewAnswer(200, nil, []byte(`{"server_count":12}`)), nil, false, "12 false"},
		"read, no count":         {lists.NewAnswer(200, nil, []byte(`{"name":"x"}`)), nil, false, ""},
		"read, not known":        {lists.NewAnswer(404, nil, []byte(`{"server_count":12}`)), nil, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, tt.answer)
			var got []string
			f.Servers = func(botID string, n int64, posted bool) {
				if botID != someBot {
					t.Errorf("bot %s, want %s", botID, someBot)
				}
				got = append(got, fmt.Sprint(n, posted))
			}
			var err error
			if tt.count == nil {
				_, err = f.Bot(t.Context(), aggregate.BotRequest{BotID: someBot}, someone)
			} else {
				tt.count.BotID = someBot
				_, err = f.Count(t.Context(), aggregate.CountRequest{Count: *tt.count, Tokens: tokens, DryRun: tt.dryRun}, someone)
			}
			want := []string{tt.want}
			if tt.want == "" {
				want = nil
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
}
