package lists

import "time"

// Op is an operation: one thing that lists are asked. It says what its calls
// permit, so that whoever sends them, holds them back or counts them never
// needs to know which operation it is.
type Op struct {
	Name             string        // in the plural, the word of logs, metrics and health
	One              string        // in the singular, as people are told when the next one may be made
	Timeout          time.Duration // how long a list has to answer
	MaxAnswer        int           // bytes of an answer that are read, before decompression and after
	FollowsRedirects bool          // a redirect is followed; else it is the answer
	MayRepeat        bool          // a call does no harm where the list sees it twice
	ProvesOwner      bool          // the token of a call that succeeds is the bot's own
}

// The operations.
var (
	// Posts post a count. Their redirects are not followed: the token would go
	// to another place.
	Posts = Op{Name: "posts", One: "post", Timeout: 10 * time.Second, MaxAnswer: 512 << 10, MayRepeat: true, ProvesOwner: true}
	// Readings read a bot.
	Readings = Op{Name: "readings", One: "reading", Timeout: 2 * time.Second, MaxAnswer: 512 << 10, FollowsRedirects: true, MayRepeat: true}
	// Votes ask whether a user has voted. An answer may list thousands of voters.
	// It says nothing of whose the token is: on many lists any token reads votes.
	Votes = Op{Name: "votes", One: "call", Timeout: 3 * time.Second, MaxAnswer: 4 << 20, FollowsRedirects: true, MayRepeat: true}
)

// Ops returns all operations.
func Ops() []Op { return []Op{Posts, Readings, Votes} }
