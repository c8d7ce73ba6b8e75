package lists

import (
	"testing"
	"time"
)

// words are those of a skip; "" for none.
func words(s *Skip) string {
	if s == nil {
		return ""
	}
	return s.String()
}

func TestSkipWords(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		skip Skip
		want string
	}{
		{Skip{Reason: SkipUnknown}, "Unknown list"},
		{Skip{Reason: SkipUnknown, Detail: "list.example"}, `Unknown list, did you mean "list.example"?`},
		{Skip{Reason: SkipDefunct}, "Defunct"},
		{Skip{Reason: SkipNoPost}, "No post API"},
		{Skip{Reason: SkipNoPost, Detail: "its API has no counts"}, "No post API: its API has no counts"},
		{Skip{Reason: SkipNoGet}, "No get API"},
		{Skip{Reason: SkipNoToken}, "No token"},
		{Skip{Reason: SkipNoKey}, "No key"},
		{Skip{Reason: SkipNoVotes}, "No votes API"},
		{Skip{Reason: SkipNoToken, Detail: "bridge key"}, "No bridge key"},
		{Skip{Reason: SkipNoReport, Detail: "commands"}, "No commands API"},
		{Skip{Reason: SkipNothing, Detail: "tags"}, "Nothing to send: takes tags"},
		{Skip{Reason: SkipTooMany, Detail: "100"}, "Too many: takes 100"},
		{Skip{Reason: SkipBadToken, Detail: "must be a string"}, "Bad token: must be a string"},
		{Skip{Reason: SkipRevoked, Detail: "list.example"}, "Revoked: list.example has revoked this token; send a new one"},
		{Skip{Reason: SkipRefused, Detail: "list.example", Until: at.Add(-time.Millisecond)},
			"Refused: list.example has refused this token three times in a row; it is tried again at 2026-11-22T18:00:00Z"},
		{Skip{Reason: SkipPaced, Until: at}, "Paced: next post at 2026-11-22T18:00:00Z"},
		{Skip{Reason: SkipPaced, Until: at, Detail: Readings.One}, "Paced: next reading at 2026-11-22T18:00:00Z"},
		{Skip{Reason: SkipPaced, Until: at.Add(1)}, "Paced: next post at 2026-11-22T18:00:01Z"},
		{Skip{Reason: SkipPaced, Until: at.Add(-1).In(time.FixedZone("", 3600))}, "Paced: next post at 2026-11-22T18:00:00Z"},
	} {
		if got := tt.skip.String(); got != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.skip, got, tt.want)
		}
	}
}

func TestSkipIsHeld(t *testing.T) {
	t.Parallel()
	for reason, want := range map[SkipReason]bool{
		SkipPaced: true, SkipRefused: true, SkipRevoked: false, SkipUnknown: false, SkipDefunct: false, SkipBadToken: false, SkipNoToken: false,
	} {
		if got := (Skip{Reason: reason}).IsHeld(); got != want {
			t.Errorf("%s: held %t, want %t", reason, got, want)
		}
	}
}
