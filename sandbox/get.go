package sandbox

import (
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
	var token string
	if e.auth != nil {
		var err error
		if token, err = e.auth.token(r.Header, query); err != nil {
			return answerTo(err)
		}
	}
	if err := nothingIn(query); err != nil {
		return answerTo(err)
	}
	if err := e.checkHeaders(r.Header, &of); err != nil {
		return answerTo(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// An address is counted whatever it asks; tokens and bots where they post.
	if wait := l.admit(map[string]string{"address": address(r)}, now); wait > 0 {
		return l.tooEarly(wait, now)
	}
	b := l.find(of, token)
	if b == nil {
		return answerTo(refuse(http.StatusNotFound, "Bot not found"))
	}
	return answer{http.StatusOK, http.Header{}, show(e.get, of.snowflake, b.count())}
}

// code is what stands for a URL where the entry makes URLs of values.
const code = "sandbox"

// show is a bot in the shape of an entry.
func show(e lists.GetEntry, id string, servers int64) any {
	texts := map[string]string{
		"username": "Sandbox Bot", "discriminator": "1234", "invite": "https://discord.com/oauth2/authorize?client_id=" + id,
		"prefix": "!", "website": "https://bot.example/", "github": "https://git.example/sandbox/bot",
		"support": "https://discord.gg/sandbox", "library": "sandbox-library",
	}
	const owner = "100000000000000001"
	var shape any = map[string]any{}
	if f := e.Fields; f != nil {
		sources := map[string]lists.Sources{
			"username": f.Username, "discriminator": f.Discriminator, "invite": f.Invite, "prefix": f.Prefix,
			"website": f.Website, "github": f.Github, "support": f.Support, "library": f.Library,
		}
		for _, name := range sortedKeys(sources) {
			if s := sources[name]; len(s) > 0 && s[0].URL != "" {
				shape = place(shape, steps(s[0].Path), code)
			} else if len(s) > 0 {
				shape = place(shape, steps(s[0].Path), texts[name])
			}
		}
		if len(f.Owners) > 0 {
			shape = place(shape, steps(f.Owners[0].Path), owner)
		}
		if len(f.ServerCount) > 0 {
			shape = place(shape, steps(f.ServerCount[0].Path), servers)
		}
	} else {
		common := map[string]any{"id": id, "owners": []any{owner}, "server_count": servers}
		for name, text := range texts {
			common[name] = text
		}
		shape = common
	}
	return place(nil, steps(e.Root), shape)
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
