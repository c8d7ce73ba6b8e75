package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"aggregator/catalog"
)

const widgetLists = `lists:
  picture.example:
    name: "A <b>*list*</b> & [more]"
    url: "https://picture.example/"
    view_bot: "https://picture.example/bots/:id/(a)"
    bot_widget: "https://picture.example/bots/:id.svg?a=1&b=2"
  number.example:
    name: "Number"
    url: "https://number.example/"
    bot_widget: "https://number.example/bots/:list_bot_id/widget.svg"
  gone.example:
    name: "Gone"
    url: "https://gone.example/"
    defunct: 1
    bot_widget: "https://gone.example/:id.svg"
`

// TestWidget holds what a list's page says of its widget, which people copy.
func TestWidget(t *testing.T) {
	c, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(widgetLists)}}, catalog.File{Name: "legacy_ids.yaml", Data: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(config *Config) { config.Catalog = catalog.LiveOf(c) })
	const bot = "876543210987654321"
	for _, tt := range []struct {
		name, path string
		markdown   string // "": the page has no widget
		html       string
		says       string
	}{
		{
			name: "an example", path: "/lists/picture.example", says: "stands for the bot's id",
			markdown: `[![A \<b\>\*list\*\</b\> \& \[more\]](https://picture.example/bots/` + exampleBot + `.svg?a=1&b=2)](https://picture.example/bots/` + exampleBot + `/%28a%29)`,
			html:     `<a href="https://picture.example/bots/` + exampleBot + `/(a)"><img src="https://picture.example/bots/` + exampleBot + `.svg?a=1&amp;b=2" alt="A &lt;b&gt;*list*&lt;/b&gt; &amp; [more]"></a>`,
		},
		{
			name: "of a bot", path: "/lists/picture.example?bot=+" + bot + "+", says: `value="` + bot + `"`,
			markdown: `[![A \<b\>\*list\*\</b\> \& \[more\]](https://picture.example/bots/` + bot + `.svg?a=1&b=2)](https://picture.example/bots/` + bot + `/%28a%29)`,
		},
		{
			name: "of a bot that is none", path: "/lists/picture.example?bot=" + url.QueryEscape(`"><script>`), says: "The id of a bot is 16 to 20 digits",
			markdown: `[![A \<b\>\*list\*\</b\> \& \[more\]](https://picture.example/bots/` + exampleBot + `.svg?a=1&b=2)](https://picture.example/bots/` + exampleBot + `/%28a%29)`,
		},
		{
			name: "by the list's number, and without a page of the bot", path: "/lists/number.example?bot=" + bot + "&number=7", says: `value="7"`,
			markdown: `[![Number](https://number.example/bots/7/widget.svg)](https://number.example/)`,
		},
		{
			name: "by a number that is none", path: "/lists/number.example?bot=" + bot + "&number=x", says: "number of a bot is at most 20 digits",
			markdown: `[![Number](https://number.example/bots/42/widget.svg)](https://number.example/)`,
		},
		{name: "of a list that is gone", path: "/lists/gone.example"},
	} {
		page := get(s, http.MethodGet, tt.path).Body.String()
		var shown []string
		if _, section, ok := strings.Cut(page, `id="widget"`); ok {
			section, _, _ = strings.Cut(section, "</section>")
			for _, m := range regexp.MustCompile(`(?s)<pre[^>]*><code>(.*?)</code>`).FindAllStringSubmatch(section, -1) {
				shown = append(shown, html.UnescapeString(m[1]))
			}
		}
		switch {
		case tt.markdown == "" && shown != nil:
			t.Errorf("%s: got %q, want no widget", tt.name, shown)
		case tt.markdown == "":
		case len(shown) != 2 || shown[0] != tt.markdown || tt.html != "" && shown[1] != tt.html:
			t.Errorf("%s: got\n%s\nwant\n%s\n%s", tt.name, strings.Join(shown, "\n"), tt.markdown, tt.html)
		case !strings.Contains(page, tt.says) || strings.Contains(page, "<script>"):
			t.Errorf("%s: the page does not say %q, or holds a script that was sent", tt.name, tt.says)
		}
	}
	for id, want := range map[string]string{"picture.example": `"bot_widget":"https://picture.example/bots/:id.svg?a=1&b=2"`, "number.example": `"bot_widget":null`} {
		if got, _ := c.ListJSON(id); !strings.Contains(string(got), want) {
			t.Errorf("the API's list is %s, want %s in it", got, want)
		}
	}
}
