package lists

import (
	"maps"
	"net/textproto"
	"slices"

	"golang.org/x/net/http/httpguts"
)

// headerTemplate is a header that an entry prescribes.
type headerTemplate struct {
	name  string // in canonical form
	value template
}

// ownHeaders are set by the way a request is sent; an entry may not.
var ownHeaders = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept-Encoding", "Cookie"}

func (c *checker) headers(field string, entries map[string]string, a auth, placeholders []string) []headerTemplate {
	var all []headerTemplate
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		at := field + "." + name
		if !httpguts.ValidHeaderFieldName(name) {
			c.add(at, "must be the name of a header")
			continue
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if slices.Contains(ownHeaders, canonical) {
			c.add(at, "is set by the service itself; leave it out")
			continue
		}
		if a.in == inHeader && canonical == textproto.CanonicalMIMEHeaderKey(a.name) {
			c.add(at, "is the header that carries the token; leave it out")
			continue
		}
		if seen[canonical] {
			c.add(at, "is named twice: the case of a header's name makes no difference")
			continue
		}
		seen[canonical] = true
		t, err := newTemplate(entries[name], placeholders...)
		if err != nil {
			c.add(at, "%v", err)
			continue
		}
		if !httpguts.ValidHeaderFieldValue(entries[name]) {
			c.add(at, "holds a character that no header can carry")
			continue
		}
		all = append(all, headerTemplate{canonical, t})
	}
	return all
}

// appendHeaders appends an entry's own headers. A User-Agent among them wins
// over the one given.
func appendHeaders(all []Header, own []headerTemplate, d *ids, userAgent string) []Header {
	prescribed := false
	for _, h := range own {
		all = append(all, Header{h.name, h.value.forBot(d)})
		prescribed = prescribed || h.name == "User-Agent"
	}
	if !prescribed {
		all = append(all, Header{"User-Agent", userAgent})
	}
	return all
}
