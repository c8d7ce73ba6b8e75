package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/ratelimit"
)

// count answers POST /api/count.
func (s *Server) count(c echo.Context) error {
	body, err := readBody(c.Request())
	if err != nil {
		return err
	}
	request, err := aggregate.ParseCount(body)
	if err != nil {
		return err
	}
	request.DryRun = c.QueryParam("dry_run") == "1"
	answer, decision, err := s.Aggregator.Count(c.Request().Context(), request, caller(c))
	if err != nil {
		return err
	}
	out, err := answer.MarshalJSON()
	return s.answerLimited(c, aggregate.CountPolicy, decision, out, err)
}

// bot answers GET /api/bots/:id.
func (s *Server) bot(c echo.Context) error {
	return s.read(c, aggregate.BotRequest{BotID: param(c, "id")})
}

// lookup answers POST /api/bots/:id/lookup, which reads with the caller's keys.
func (s *Server) lookup(c echo.Context) error {
	body, err := readBody(c.Request())
	if err != nil {
		return err
	}
	tokens, err := aggregate.ParseTokens(body)
	if err != nil {
		return err
	}
	return s.read(c, aggregate.BotRequest{BotID: param(c, "id"), Tokens: tokens})
}

func (s *Server) read(c echo.Context, r aggregate.BotRequest) error {
	answer, decision, err := s.Aggregator.Bot(c.Request().Context(), r, caller(c))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Age", strconv.Itoa(int(answer.Age/time.Second)))
	out, err := answer.MarshalJSON()
	return s.answerLimited(c, aggregate.BotsPolicy, decision, out, err)
}

func (s *Server) answerLimited(c echo.Context, policy string, d ratelimit.Decision, out []byte, err error) error {
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	s.tellLimit(h, policy, d)
	return answerJSON(c, http.StatusOK, out)
}

// lists answers GET /api/lists.
func (s *Server) lists(c echo.Context) error {
	if c.QueryParam("filter") == "true" {
		return s.answerStatic(c, s.Catalog.Current(), "filtered", (*catalog.Catalog).FilteredJSON)
	}
	return s.answerStatic(c, s.Catalog.Current(), "lists", (*catalog.Catalog).ListsJSON)
}

// list answers GET /api/lists/:id.
func (s *Server) list(c echo.Context) error {
	current := s.Catalog.Current()
	list, ok := current.List(param(c, "id"))
	if !ok {
		return errListNotFound
	}
	return s.answerStatic(c, current, "list "+list.ID, func(c *catalog.Catalog) []byte {
		body, _ := c.ListJSON(list.ID)
		return body
	})
}

// legacyIDs answers GET /api/legacy-ids.
func (s *Server) legacyIDs(c echo.Context) error {
	return s.answerStatic(c, s.Catalog.Current(), "legacy", (*catalog.Catalog).LegacyJSON)
}

// readBody reads a body that may hold MaxBody bytes.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return nil, &aggregate.InvalidError{Message: "Body must be JSON object"} // it broke off, or is no HTTP
	}
	return body, err
}

// param is a parameter of the path, unescaped.
func param(c echo.Context, name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return v
	}
	if unescaped, err := url.PathUnescape(v); err == nil {
		return unescaped
	}
	return v
}

func caller(c echo.Context) aggregate.Caller {
	return aggregate.Caller{IP: parseAddr(c.RealIP()), UserAgent: c.Request().UserAgent()}
}
