package agent

import (
	"fmt"
	"strings"

	"aggregator/lists"
	"aggregator/strictyaml"
)

// listNames finds the lists that keys of one mapping name, each at most once.
type listNames struct {
	*loader
	first map[string]strictyaml.Place // by list id
}

func (l *loader) listNames() listNames { return listNames{l, map[string]strictyaml.Place{}} }

// resolve returns the list that a key names; nil where that is a fault.
func (l listNames) resolve(f strictyaml.Field) *lists.List {
	list, ok := l.catalog.Resolve(f.Key)
	if !ok {
		l.unknown(f)
		return nil
	}
	at := f.Value.Place()
	if other, seen := l.first[list.ID]; seen {
		l.Add(at, "is the list %s, which line %d gives already; write each list once, best by its current id", list.ID, other.Line)
		return nil
	}
	l.first[list.ID] = at
	return list
}

// unknown reports a key that is not a list's id. It may be a secret, where the two
// were swapped, and is shown only where it looks like an id.
func (l listNames) unknown(f strictyaml.Field) {
	at := f.Value.Place()
	guess := l.catalog.Nearest(f.Key)
	if guess == "" && !looksLikeHost(f.Key) {
		at.Field = strings.TrimSuffix(strings.TrimSuffix(at.Field, l.ShowKey(f.Key)), ".")
		l.Add(at, "what stands before the colon is no list's id")
		return
	}
	message := "is no list's id"
	if guess != "" {
		message += fmt.Sprintf(", did you mean %q?", guess)
	}
	l.Add(at, "%s", message)
}

// looksLikeHost reports whether s could be the name of a host, as ids of lists
// are.
func looksLikeHost(s string) bool {
	return len(s) <= 64 && strings.Contains(s, ".") && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}
