package aggregate

import (
	"time"

	"aggregator/lists"
	"aggregator/ratelimit"
)

// CountAnswer is what the lists said to a count.
type CountAnswer struct {
	Results []Result            // of the lists asked, in catalog order
	Skipped []Skipped           // of the lists not asked, in the order of the request
	DryRun  bool                // nothing was sent, and Planned is what would have been
	Planned []lists.Call        // in catalog order
	Window  *ratelimit.Decision // nil: no window was used
}

// Result is what one list said.
type Result struct {
	List string
	lists.Verdict
	Sent func() string // returns what was sent to the list, without its token
	Took time.Duration // until its answer
}

// Skipped is a list that was named and not asked.
type Skipped struct {
	ID    string // as sent
	Why   lists.Skip
	order int
}

// BotAnswer is what the lists say of a bot.
type BotAnswer struct {
	lists.Bot
	Skipped []Skipped           // lists that were not asked, in catalog order
	Age     time.Duration       // since the lists answered, where the answer is shared
	Window  *ratelimit.Decision // nil: no window was used
}
