package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/lists"
	"aggregator/votes"
)

// Votes takes votes in and passes them on.
type Votes struct {
	Intake *votes.Intake
	Relay  *votes.Relay
}

// hookPath is the address that goes into a list's settings page.
const hookPath = "/hooks/:bot/:list"

// hookBody bounds what a list sends.
var hookBody = bodyLimit{bytes: 64 << 10, within: 5 * time.Second, answer: hookTimeout}

// hookTimeout is how long a list waits for its answer at most: some wait for 2 s.
const hookTimeout = 1500 * time.Millisecond

// resultProbe is the result of a request that is not a POST, as it is counted.
const resultProbe = "probe"

// voteRoutes returns the routes of votes.
func (s *Server) voteRoutes() []route {
	return []route{
		{http.MethodPost, hookPath, "", s.hook},
		{echo.RouteNotFound, hookPath, "", s.hookProbe}, // every other method
		{http.MethodGet, "/api/bots/:id/deliveries", "", s.deliveries},
		{http.MethodPost, "/api/bots/:id/deliveries/retry", "", s.retryDeliveries},
		{http.MethodPost, "/api/bots/:id/deliveries/test", "", s.testDelivery},
		{http.MethodGet, "/api/bots/:id/votes/stream", "", s.stream},
	}
}

// hastened gives a webhook, whose body has come, what is left of the time that its
// list waits.
func (s *Server) hastened(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		answer := s.bodies[c.Path()].answer
		if answer == 0 {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), answer-exchangeOf(c).waited)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// hook answers POST /hooks/:bot/:list. What the query holds is logged nowhere.
func (s *Server) hook(c echo.Context) error {
	r := c.Request()
	bot, list := s.hookOf(c)
	if s.Agent.Bot(bot) != nil {
		exchangeOf(c).bot = bot
	}
	query, _ := url.ParseQuery(r.URL.RawQuery) // what cannot be read proves nothing
	d := lists.Delivery{Header: r.Header, Query: query, Body: exchangeOf(c).body}
	ignored, err := s.Votes.Intake.Take(r.Context(), s.Agent.Bot(bot), list, d)
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		OK      bool   `json:"ok"`
		Ignored string `json:"ignored,omitempty"`
	}{true, ignored})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return answerJSON(c, http.StatusOK, body)
}

// hookOf returns the bot and the list in a webhook's address; a nil list where
// there is none with that id. The router tells no parameters of a method for which
// it has no route.
func (s *Server) hookOf(c echo.Context) (bot string, list *lists.List) {
	parts := strings.Split(c.Request().URL.Path, "/")
	if len(parts) != 4 { // the first is empty, the second is "hooks"
		return "", nil
	}
	list, _ = s.Catalog.Current().Resolve(parts[3])
	return parts[2], list
}

// hookProbe answers what is not a POST: some lists look whether the address is
// there, and some redirects make a GET of a POST. The operator hears of it.
func (s *Server) hookProbe(c echo.Context) error {
	bot, list := s.hookOf(c)
	if !s.Votes.Intake.Expects(s.Agent.Bot(bot), list) {
		return votes.ErrNoHook
	}
	s.Votes.Intake.Observe(list.ID, resultProbe)
	s.Log.Warn("a webhook's address was asked otherwise than with POST; a redirect may have made one of a POST",
		"list", list.ID, "bot", bot, "method", c.Request().Method)
	c.Set(echo.ContextKeyHeaderAllow, http.MethodPost)
	return echo.ErrMethodNotAllowed
}
