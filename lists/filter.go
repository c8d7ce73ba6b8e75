package lists

import (
	"slices"
	"strings"
)

// Skill is something that lists can do, by which people look for them.
type Skill struct {
	Key   string // in addresses and tables
	Label string // for people
	Has   func(*List) bool
}

var skills = []Skill{
	{"counts", "Takes counts", (*List).TakesCounts},
	{"reads", "Can be read", (*List).Readable},
	{"votes", "Tells who voted", func(l *List) bool { return l.Supports(Votes) }},
	{"webhook", "Sends votes", func(l *List) bool { return l.Webhook() != nil }},
	{"commands", "Takes commands", func(l *List) bool { return l.Supports(Commands.Op) }},
	{"heartbeats", "Takes heartbeats", func(l *List) bool { return l.Supports(Heartbeat.Op) }},
}

// Skills returns all skills, in the order in which they are shown.
func Skills() []Skill { return slices.Clone(skills) }

// Filter is what somebody looks for among lists. The zero Filter takes each.
type Filter struct {
	Text     string   // words of an id, a name or a description, all of them
	Can      []string // keys of skills, all of them; what is no key is not heeded
	Features []string // ids, all of them
	Language string   // "" for any
}

// Takes reports whether a list is one that is looked for.
func (f Filter) Takes(l *List) bool {
	for _, s := range skills {
		if slices.Contains(f.Can, s.Key) && !s.Has(l) {
			return false
		}
	}
	for _, id := range f.Features {
		if !slices.Contains(l.Features, id) {
			return false
		}
	}
	if f.Language != "" && !slices.Contains(l.Languages(), f.Language) {
		return false
	}
	text := strings.ToLower(l.ID + "\n" + l.Name + "\n" + l.Description)
	for word := range strings.FieldsSeq(strings.ToLower(f.Text)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Languages returns the languages of a list, which its entry has in one text.
func (l *List) Languages() []string {
	all := strings.FieldsFunc(l.Language, func(r rune) bool { return r == ',' || r == '/' || r == ';' })
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
