package lists

import "fmt"

// checker collects what is wrong with an entry. Each mechanism's file holds the
// method that checks its part and compiles it.
type checker struct {
	problems []Problem
	defunct  bool
}

func (c *checker) add(field, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// page checks the fields of the API page.
func (c *checker) page(l *List) {
	e := &l.Entry
	c.defunct = e.Defunct
	for _, f := range []struct{ name, url string }{
		{"url", e.URL}, {"icon", e.Icon}, {"api_docs", e.APIDocs}, {"discord", e.Discord},
	} {
		if f.url == "" {
			continue
		}
		if err := checkURL(f.url); err != nil {
			c.add(f.name, "%v", err)
		}
	}
	page := c.pageURL("view_bot", e.ViewBot, placeholderID)
	if picture := c.pageURL("bot_widget", e.BotWidget, placeholderID, placeholderListBotID); !picture.isZero() {
		l.widget = &Widget{picture: picture, page: page, home: e.URL}
	}
	if e.APIAll != "" {
		c.apiURL("api_all", e.APIAll)
	}
}

// pageURL checks and cuts the URL of a page or a picture of a bot; the zero
// template for none.
func (c *checker) pageURL(field, text string, allowed ...string) template {
	if text == "" {
		return template{}
	}
	t, err := newURLTemplate(text, allowed...)
	if err != nil {
		c.add(field, "%v", err)
		return template{}
	}
	return t
}
