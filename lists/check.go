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
func (c *checker) page(e *Entry) {
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
