package web

import (
	"net/http"

	"aggregator/catalog"
)

// homeBody is the body of the first page.
type homeBody struct {
	Counts catalog.Counts
	State  string // how lists are, in one line
	Silent int    // living lists that have nothing to ask
	Curl   string // the least that a bot has to send
}

// home answers with the first page.
func (s *Site) home(w http.ResponseWriter, r *http.Request) error {
	c := s.Catalog.Current()
	asked := s.all.of(c)
	return s.render(w, r, http.StatusOK, "home", view{
		Description: "Post a Discord bot's server count to every bot list with one request, and read a bot from all of them.",
		Twin:        "/api/lists",
		AsOf:        s.Now(),
		Body:        homeBody{Counts: c.Counts(), State: stateLine(asked), Silent: c.Counts().Living - len(asked), Curl: postExample(c, s.origin(r))},
	})
}

// postExample returns the command that posts a count to this instance, with a
// token for one list.
func postExample(c *catalog.Catalog, origin string) string {
	for _, l := range livingLists(c) {
		if l.TakesCounts() && !l.NeedsListBotID() {
			return postTo(l, origin)
		}
	}
	return postTo(nil, origin)
}

// origin returns where the service is reached, as far as the request tells.
func (s *Site) origin(r *http.Request) string {
	if s.PublicURL != "" {
		return s.PublicURL + s.BasePath
	}
	scheme := "http"
	switch {
	case s.Scheme != nil:
		scheme = s.Scheme(r)
	case r.TLS != nil:
		scheme = "https"
	}
	return scheme + "://" + r.Host + s.BasePath
}
