package web

import (
	"html"
	"net/http"
	"strings"

	"aggregator/lists"
)

// widget is how the picture that a list makes of a bot is put into other pages. It
// is an example until somebody says of which bot it shall be.
type widget struct {
	Bot, Number    string // as somebody gave them; "" before
	ByNumber       bool   // the list finds it by its own number of the bot
	Wrong          string // what is wrong with what was given; "" for nothing
	HTML, Markdown string
}

// widgetOf returns a list's widget, of the bot that a request names if it names
// one; nil where the list has none.
func widgetOf(l *lists.List, r *http.Request) *widget {
	of := l.Widget()
	if of == nil || l.Defunct {
		return nil
	}
	w := &widget{ByNumber: of.NeedsListBotID(), Bot: strings.TrimSpace(r.FormValue("bot")), Number: strings.TrimSpace(r.FormValue("number"))}
	bot, number := exampleBot, exampleNumber
	switch {
	case w.Bot == "" && w.Number == "":
	case !lists.IsSnowflake(w.Bot):
		w.Wrong = "The id of a bot is 16 to 20 digits, such as " + exampleBot + "."
	case w.ByNumber && !lists.IsListBotID(w.Number):
		w.Wrong = "The list's number of a bot is at most 20 digits, such as " + exampleNumber + "."
	default:
		bot, number = w.Bot, w.Number
	}
	picture, page := link(of.Picture(bot, number)), link(of.Page(bot))
	w.HTML = `<a href="` + html.EscapeString(page) + `"><img src="` + html.EscapeString(picture) + `" alt="` + html.EscapeString(l.Name) + `"></a>`
	w.Markdown = "[![" + markdownText(l.Name) + "](" + markdownURL(picture) + ")](" + markdownURL(page) + ")"
	return w
}

// markdownText returns a text as it stands in Markdown, where it means nothing else.
func markdownText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < ' ':
			r = ' '
		case strings.ContainsRune("\\`*_{}[]<>()#!|~&", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// markdownURL returns a URL as it stands in a link in Markdown.
func markdownURL(raw string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", `\`, "%5C").Replace(raw)
}
