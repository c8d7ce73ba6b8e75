package lists

import (
	"fmt"
	"maps"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// checker collects what is wrong with an entry.
type checker struct {
	problems []Problem
	defunct  bool
}

func (c *checker) add(field, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// page checks the fields of the API page.
func (c *checker) page(e Entry) {
	c.defunct = e.Defunct
	for _, f := range []struct{ name, url string }{
		{"url", e.URL}, {"icon", e.Icon}, {"api_docs", e.APIDocs}, {"discord", e.Discord},
	} {
		if f.url == "" {
			continue
		}
		if _, err := parseURL(f.url); err != nil {
			c.add(f.name, "%v", err)
		}
	}
	for _, f := range []struct{ name, url string }{{"view_bot", e.ViewBot}, {"bot_widget", e.BotWidget}} {
		if f.url == "" {
			continue
		}
		if _, err := newURLTemplate(f.url, placeholderID); err != nil {
			c.add(f.name, "%v", err)
		}
	}
	if e.APIAll != "" {
		c.apiURL("api_all", e.APIAll)
	}
}

// apiURL checks and cuts a URL that is asked for data. Over plain http anyone
// on the way could read the tokens; loopback and defunct lists send none out.
func (c *checker) apiURL(field, text string, allowed ...string) template {
	t, err := newURLTemplate(text, allowed...)
	if err != nil {
		c.add(field, "%v", err)
		return t
	}
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "http" && !c.defunct && !isLoopback(u.Hostname()) {
		c.add(field, "must begin with https:// (http:// is for loopback hosts and defunct lists), is %q", text)
	}
	if u != nil && u.Fragment != "" {
		c.add(field, "must not hold a fragment (#…), is %q", text)
	}
	return t
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c *checker) auth(field string, e *AuthEntry) auth {
	if e == nil {
		return defaultAuth
	}
	a := auth{in: e.In, name: e.Name, prefix: e.Prefix}
	if a.in == "" {
		a.in = inHeader
	}
	if a.name == "" {
		a.name = defaultAuth.name
	}
	if a.in == inBody {
		a.path = c.path(field+".name", a.name)
	}
	if a.in == inHeader && !httpguts.ValidHeaderFieldName(a.name) {
		c.add(field+".name", "must be the name of a header, is %q", a.name)
	}
	if !httpguts.ValidHeaderFieldValue(a.prefix) {
		c.add(field+".prefix", "holds a character that no header can carry")
	}
	return a
}

// ownHeaders are set by the way a request is sent; an entry may not.
var ownHeaders = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept-Encoding", "Cookie"}

func (c *checker) headers(field string, entries map[string]string, a auth) []headerTemplate {
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
		t, err := newTemplate(entries[name], placeholderID, placeholderListBotID)
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

func (c *checker) limits(field string, entries []LimitEntry) []Limit {
	const longest = 24 * 60 * 60
	var all []Limit
	for i, e := range entries {
		at := field + "[" + strconv.Itoa(i) + "]"
		if e.Requests < 1 || e.Requests > 1_000_000 {
			c.add(at+".requests", "must be 1 to 1000000, is %d", e.Requests)
		}
		if e.Seconds < 1 || e.Seconds > longest {
			c.add(at+".seconds", "must be 1 to %d (a day), is %d", longest, e.Seconds)
		}
		all = append(all, Limit{Per: e.Per, Requests: e.Requests, Interval: time.Duration(e.Seconds) * time.Second})
	}
	return all
}

func (c *checker) statuses(field string, statuses []int) {
	for i, s := range statuses {
		if s < 400 || s > 599 {
			c.add(field+"["+strconv.Itoa(i)+"]", "must be an HTTP status from 400 to 599, is %d", s)
		}
	}
}

// path cuts a name at its dots.
func (c *checker) path(field, name string) []string {
	path := strings.Split(name, ".")
	if slices.Contains(path, "") {
		c.add(field, "must be names joined by dots, is %q", name)
	}
	return path
}
