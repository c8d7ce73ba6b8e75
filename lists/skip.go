package lists

import (
	"cmp"
	"strconv"
	"time"
)

// Skip is why a list that was named is not asked. What people read of it is
// made by String alone; programs look at its fields.
type Skip struct {
	Reason SkipReason
	Until  time.Time // of SkipPaced and SkipRefused: when the list may be asked again
	Detail string    // what the reason leaves open; see the reasons
}

// SkipReason is the closed set of reasons why a list is not asked. Its text is
// the word of metrics.
type SkipReason string

// The reasons. Each says what its Detail holds, if anything.
const (
	SkipUnknown  SkipReason = "unknown"   // no list has the id; Detail: an id near it, or ""
	SkipDefunct  SkipReason = "defunct"   // the list is gone
	SkipNoPost   SkipReason = "no_post"   // no count can be posted; Detail: why, or ""
	SkipNoGet    SkipReason = "no_get"    // no bot can be read
	SkipNoVotes  SkipReason = "no_votes"  // nobody can be asked about votes
	SkipNoReport SkipReason = "no_report" // reports of the kind cannot be sent; Detail: the kind
	SkipNothing  SkipReason = "nothing"   // the report holds nothing for the list; Detail: what it takes
	SkipTooMany  SkipReason = "too_many"  // the report holds more than the list takes; Detail: how many that is
	SkipNoToken  SkipReason = "no_token"  // the token is blank; Detail: which credential is, "" for the token
	SkipNoKey    SkipReason = "no_key"    // reading needs a key, and there is none
	SkipBadToken SkipReason = "bad_token" // Detail: what is wrong with the token
	SkipRevoked  SkipReason = "revoked"   // the list has revoked the token; Detail: the list's id
	SkipRefused  SkipReason = "refused"   // the list has refused the token again and again, which rests until Until; Detail: the list's id
	SkipPaced    SkipReason = "paced"     // the list would refuse, or punish, a call before Until; Detail: what the call is, "" for a post
)

// IsHeld reports whether the list is only not asked now: it will be once the time
// has come, and nobody need do anything.
func (s Skip) IsHeld() bool { return s.Reason == SkipPaced || s.Reason == SkipRefused }

// plainWords are the reasons that leave nothing open.
var plainWords = map[SkipReason]string{
	SkipDefunct: "Defunct", SkipNoGet: "No get API", SkipNoVotes: "No votes API", SkipNoKey: "No key",
}

// String returns the reason in the documented words of answers.
func (s Skip) String() string {
	if words, ok := plainWords[s.Reason]; ok {
		return words
	}
	switch s.Reason {
	case SkipUnknown:
		if s.Detail != "" {
			return "Unknown list, did you mean " + strconv.Quote(s.Detail) + "?"
		}
		return "Unknown list"
	case SkipNoPost:
		if s.Detail != "" {
			return "No post API: " + s.Detail
		}
		return "No post API"
	case SkipNoReport:
		return "No " + s.Detail + " API"
	case SkipNothing:
		return "Nothing to send: takes " + s.Detail
	case SkipTooMany:
		return "Too many: takes " + s.Detail
	case SkipNoToken:
		return "No " + cmp.Or(s.Detail, "token")
	case SkipBadToken:
		return "Bad token: " + s.Detail
	case SkipRevoked:
		return "Revoked: " + s.Detail + " has revoked this token; send a new one"
	case SkipRefused:
		return "Refused: " + s.Detail + " has refused this token three times in a row; it is tried again at " + s.until()
	case SkipPaced:
		return "Paced: next " + cmp.Or(s.Detail, Posts.One) + " at " + s.until()
	}
	return string(s.Reason)
}

// until returns Until in whole seconds, rounded up: who comes then is not early.
func (s Skip) until() string {
	return s.Until.Add(time.Second - time.Nanosecond).UTC().Truncate(time.Second).Format(time.RFC3339)
}

// badToken returns the skip of a token with which something is wrong.
func badToken(what string) *Skip { return &Skip{Reason: SkipBadToken, Detail: what} }
