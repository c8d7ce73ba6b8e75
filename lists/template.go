package lists

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Placeholders that URLs and headers may hold.
const (
	placeholderID        = ":id"
	placeholderListBotID = ":list_bot_id"
	placeholderUser      = ":user"
	placeholderName      = ":name"
	placeholderValue     = ":value"
)

// ids are what placeholders stand for.
type ids struct {
	botID     string // the bot's Discord snowflake
	listBotID string // the number the list itself gave the bot; "": none is known
	userID    string // of a vote check: the user's snowflake
	name      string // of a developer
}

// of returns what a placeholder stands for.
func (d *ids) of(placeholder string) string {
	switch placeholder {
	case placeholderListBotID:
		return d.listBotID
	case placeholderUser:
		return d.userID
	case placeholderName:
		return d.name
	}
	return d.botID
}

// placeholder matches what looks like one. A colon before a digit is a port.
var placeholder = regexp.MustCompile(`:[A-Za-z_][A-Za-z0-9_]*`)

// template is a text with placeholders, cut at them at load.
type template struct {
	parts []string // text, placeholder, text, placeholder, …, text
}

// foreignPlaceholder matches what other programs write for a placeholder: {id},
// ${id}, {{id}}, <id>, and {id} in percent escapes. It would go out as it is.
var foreignPlaceholder = regexp.MustCompile(`\$?\{+[A-Za-z0-9_.-]+\}+|<[A-Za-z0-9_.-]+>|(?i:%7B)+[A-Za-z0-9_.-]+(?i:%7D)+`)

// newTemplate cuts text at its placeholders, each of which must be allowed.
func newTemplate(text string, allowed ...string) (template, error) {
	var t template
	if foreign := foreignPlaceholder.FindString(text); foreign != "" && len(allowed) > 0 {
		return t, fmt.Errorf("holds %q, which nothing is filled in for; write one of %s", foreign, strings.Join(allowed, ", "))
	}
	rest := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		name := text[at[0]:at[1]]
		if !slices.Contains(allowed, name) {
			return t, fmt.Errorf("unknown placeholder %q; allowed: %s", name, strings.Join(allowed, ", "))
		}
		t.parts = append(t.parts, text[rest:at[0]], name)
		rest = at[1]
	}
	t.parts = append(t.parts, text[rest:])
	return t, nil
}

// isZero reports whether t was cut from no text.
func (t template) isZero() bool { return t.parts == nil }

// isFixed reports whether there is no placeholder in t.
func (t template) isFixed() bool { return len(t.parts) == 1 }

// holds reports whether a placeholder is in the template.
func (t template) holds(placeholder string) bool {
	for i := 1; i < len(t.parts); i += 2 {
		if t.parts[i] == placeholder {
			return true
		}
	}
	return false
}

// forBot puts ids in the placeholders' places.
func (t template) forBot(d *ids) string {
	if t.isFixed() {
		return t.parts[0]
	}
	var b strings.Builder
	b.Grow(128) // most URLs
	for i, part := range t.parts {
		if i%2 == 1 {
			part = d.of(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// forValue puts a value in the placeholders' places.
func (t template) forValue(value string) string {
	var b strings.Builder
	for i, part := range t.parts {
		if i%2 == 1 {
			part = value
		}
		b.WriteString(part)
	}
	return b.String()
}

// newURLTemplate is newTemplate for a URL. Only its path and query may hold
// placeholders: in the host or the scheme one could send a token elsewhere.
func newURLTemplate(text string, allowed ...string) (template, error) {
	if err := checkURL(text); err != nil {
		return template{}, err
	}
	start := strings.Index(text, "://") + len("://")
	if slash := strings.IndexAny(text[start:], "/?#"); slash >= 0 {
		start += slash
	} else {
		start = len(text)
	}
	t, err := newTemplate(text[start:], allowed...)
	if err != nil {
		return t, err
	}
	t.parts[0] = text[:start] + t.parts[0]
	return t, nil
}

// checkURL checks that text is an absolute http or https URL.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !isPort(u.Port()) || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("must be a URL such as https://list.example/path, is %q", text)
	}
	if u.User != nil {
		return errors.New("must not hold a user name or password")
	}
	return nil
}

// isPort reports whether s is the number of a port, or empty.
func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return s == "" || err == nil && n > 0 && n < 1<<16
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

// addQuery adds a query to a URL that may have one.
func addQuery(rawURL, query string) string {
	if query == "" {
		return rawURL
	}
	if strings.Contains(rawURL, "?") {
		return rawURL + "&" + query
	}
	return rawURL + "?" + query
}
