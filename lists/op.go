package lists

import "time"

// Op is an operation: one thing that lists are asked. It says what its calls
// permit, so that whoever sends them, holds them back or counts them never
// needs to know which operation it is.
type Op struct {
	Name             string        // in the plural; no other operation has it
	Direction        string        // the word of logs, metrics and health, which all reports share
	One              string        // in the singular, as people are told when the next one may be made
	Timeout          time.Duration // how long a list has to answer
	MaxAnswer        int           // bytes of an answer that are read, before decompression and after
	FollowsRedirects bool          // a redirect is followed; else it is the answer
	MayRepeat        bool          // a call does no harm where the list sees it twice
	NewConnection    bool          // each call has a connection of its own, lest it is lost on a kept one
	ProvesOwner      bool          // the token of a call that succeeds is the bot's own
}

// The operations, beside those of reports.
var (
	// Posts post a count. Their redirects are not followed: the token would go
	// to another place.
	Posts = Op{Name: "posts", Direction: "posts", One: "post", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true, ProvesOwner: true}
	// Readings read a bot.
	Readings = Op{Name: "readings", Direction: "readings", One: "reading", Timeout: 2 * time.Second, MaxAnswer: 512 << 10, FollowsRedirects: true, MayRepeat: true}
	// Votes ask whether a user has voted. An answer may list thousands of voters.
	// It says nothing of whose the token is: on many lists any token reads votes.
	Votes = Op{Name: "votes", Direction: "votes", One: "call", Timeout: 3 * time.Second, MaxAnswer: 4 << 20, FollowsRedirects: true, MayRepeat: true}
)

// IsReport reports whether the operation is of a kind of report.
func (o Op) IsReport() bool { return o.Direction == reports }

// Ops returns all operations.
func Ops() []Op {
	all := []Op{Posts, Readings, Votes}
	for i := range reportTable {
		all = append(all, reportTable[i].Op)
	}
	return all
}
