package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"aggregator/lists"
)

// serveGet answers a reading with the bot as the entry says the list shows it.
func (l *list) serveGet(e *endpoint, r *http.Request, of ids, query url.Values, now time.Time) answer {
	token, err := e.checkAsked(r, &of, query)
	if err != nil {
		return answerTo(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// An address is counted whatever it asks; tokens and bots where they post.
	if wait := l.admit(map[string]string{"address": address(r)}, now); wait > 0 {
		return e.tooEarly(wait, now)
	}
	b := l.find(of, token)
	if b == nil {
		return answerTo(refuse(http.StatusNotFound, "Bot not found"))
	}
	return answer{http.StatusOK, http.Header{}, showTotals(show(e.get, of.snowflake, b.count()), e.totals)}
}

// checkAsked checks a request without a body and returns its token; "" where the
// endpoint asks for none.
func (e *endpoint) checkAsked(r *http.Request, of *ids, query url.Values) (token string, err error) {
	if e.auth != nil {
		if token, err = e.auth.token(r.Header, query); err != nil {
			return "", err
		}
	}
	if err := nothingIn(query); err != nil {
		return "", err
	}
	return token, e.checkHeaders(r.Header, of)
}

// code is what stands for a URL where the entry makes URLs of values.
const code = "sandbox"

// texts are what the sandbox says of every bot. Of the rest it says as much as
// tells them apart.
var texts = map[string]string{
	"username": "Sandbox Bot", "discriminator": "1234", "website": "https://bot.example/",
	"github": "https://git.example/sandbox/bot", "support": "https://discord.gg/sandbox", "prefix": "!",
}

// said is what the sandbox says of a bot in a field.
func said(f lists.Field, id string, servers int64) any {
	const owner = "100000000000000001"
	switch {
	case f.Kind == lists.FieldIDs:
		return owner
	case f.Kind == lists.FieldCount:
		return servers
	case f.Name == "invite":
		return "https://discord.com/oauth2/authorize?client_id=" + id
	}
	return cmp.Or(texts[f.Name], "sandbox-"+f.Name)
}

// show is a bot in the shape of an entry.
func show(e lists.GetEntry, id string, servers int64) any {
	var shape any = map[string]any{}
	if e.Fields == nil {
		shape = map[string]any{"id": id}
	}
	for _, f := range lists.Fields() {
		switch v := said(f, id, servers); {
		case e.Fields == nil && f.Kind == lists.FieldIDs:
			shape = place(shape, []string{f.Name}, []any{v})
		case e.Fields == nil:
			shape = place(shape, []string{f.Name}, v)
		default:
			shape = placeFirst(shape, f.Sources(e.Fields), v)
		}
	}
	return place(nil, steps(e.Root), shape)
}

// placeFirst puts v where the first source looks for it, if there is one.
func placeFirst(shape any, sources lists.Sources, v any) any {
	if len(sources) == 0 {
		return shape
	}
	if sources[0].URL != "" {
		v = code
	}
	return place(shape, steps(sources[0].Path), v)
}

// step matches a step of a path: a name, something in brackets, or {}.
var step = regexp.MustCompile(`\[[^\]]*\]|\{\}|[^.\[\]{}]+`)

func steps(path string) []string { return step.FindAllString(path, -1) }

// place puts v into a tree, where following the steps of a path finds it.
func place(tree any, path []string, v any) any {
	if len(path) == 0 {
		return v
	}
	here, rest := path[0], path[1:]
	object, _ := tree.(map[string]any)
	if object == nil {
		object = map[string]any{}
	}
	switch {
	case here == "{}":
		object[fmt.Sprint(v)] = true
		return object
	case here[0] != '[':
		object[here] = place(object[here], rest, v)
		return object
	}
	array, _ := tree.([]any)
	name, is, where := strings.Cut(here[1:len(here)-1], "=")
	at := 0
	switch {
	case where:
		at = slices.IndexFunc(array, func(item any) bool {
			object, _ := item.(map[string]any)
			return object[name] == is
		})
		if at < 0 {
			at = len(array)
			array = append(array, map[string]any{name: is})
		}
	case name == "-1":
		if len(array) == 0 {
			array = append(array, place(nil, rest, blank(v)), nil) // something earlier, that must not be read
		}
		at = len(array) - 1
	case len(array) == 0:
		array = append(array, nil)
	}
	array[at] = place(array[at], rest, v)
	return array
}

// blank is a value of v's kind that says nothing.
func blank(v any) any {
	switch v.(type) {
	case int64:
		return int64(0)
	case string:
		return ""
	}
	return map[string]any{}
}
