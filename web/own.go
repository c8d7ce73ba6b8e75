package web

import "net/http"

// ownBody is the body of the page on which operators see their own bots.
type ownBody struct {
	Any    bool // there are some
	Origin string
}

// own answers with the page of the operator's own bots. The page asks the API with
// the key that is typed into it: the service shows nothing here by itself, and the
// key is in no URL.
func (s *Site) own(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, "own", view{
		Title: "Your own bot", Description: "How the posts and votes of your own bot stand, list by list.", Nav: "bots", NoIndex: true,
		Body: ownBody{s.OwnBots, s.origin(r)},
	})
}
