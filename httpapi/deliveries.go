package httpapi

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"aggregator/agent"
	"aggregator/lists"
	"aggregator/rawjson"
	"aggregator/votes"
)

// pathBot returns the id of the bot in the path.
func pathBot(c echo.Context) (string, error) {
	id := pathID(c)
	if !lists.IsSnowflake(id) {
		return "", invalid("'id' must be a snowflake")
	}
	exchangeOf(c).bot = id
	return id, nil
}

// pathKey returns the bot in the path, whose key the request must show.
func (s *Server) pathKey(c echo.Context) (*agent.Bot, error) {
	id, err := pathBot(c)
	if err != nil {
		return nil, err
	}
	return s.requireKey(c, id)
}

// deliveries answers GET /api/bots/:id/deliveries.
func (s *Server) deliveries(c echo.Context) error {
	id, err := pathBot(c)
	if err != nil {
		return err
	}
	state := c.QueryParam("state")
	if c.QueryParams().Has("state") && !votes.IsState(state) {
		return invalid("'state' must be pending, delivered or dead")
	}
	if _, err := s.requireKey(c, id); err != nil {
		return err
	}
	page, next, err := s.Votes.Relay.Deliveries(c.Request().Context(), id, state, c.QueryParam("after"))
	if err != nil {
		return err
	}
	beginJSON(c, http.StatusOK)
	return encodeDeliveries(c.Response(), id, page, next)
}

// maxRetried is how many deliveries one request may name.
const maxRetried = 100

// parseRetry returns what the body of POST /api/bots/:id/deliveries/retry asks for:
// {"ids": […]} or {"state": "dead" or "pending"}. The error is an
// *aggregate.InvalidError.
func parseRetry(body []byte) (ids []string, state string, err error) {
	members, err := object(body)
	if err != nil {
		return nil, "", err
	}
	fields := map[string]rawjson.Value{}
	for _, m := range members {
		fields[m.Key] = m.Value
	}
	switch {
	case isGiven(fields["ids"]) == isGiven(fields["state"]):
		return nil, "", invalid("Either 'ids' or 'state' is required")
	case isGiven(fields["state"]):
		state, _ = fields["state"].Text()
		if !votes.IsRetryable(state) {
			return nil, "", invalid("'state' must be dead or pending")
		}
		return nil, state, nil
	}
	if fields["ids"].Kind() == rawjson.Array {
		for item := range fields["ids"].Items() {
			id, isText := item.Text()
			if ids = append(ids, id); !isText || len(ids) > maxRetried {
				ids = nil
				break
			}
		}
	}
	if len(ids) == 0 {
		return nil, "", invalid("'ids' must be an array of 1 to " + strconv.Itoa(maxRetried) + " ids of deliveries")
	}
	return ids, "", nil
}

// retryDeliveries answers POST /api/bots/:id/deliveries/retry.
func (s *Server) retryDeliveries(c echo.Context) error {
	id, err := pathBot(c)
	if err != nil {
		return err
	}
	ids, state, err := parseRetry(exchangeOf(c).body)
	if err != nil {
		return err
	}
	if _, err := s.requireKey(c, id); err != nil {
		return err
	}
	n, err := s.Votes.Relay.Retry(c.Request().Context(), id, ids, state)
	if err != nil {
		return err
	}
	beginJSON(c, http.StatusAccepted)
	_, err = c.Response().Write(append(rawjson.AppendInt(rawjson.AppendKey([]byte("{"), "retried"), int64(n)), '}'))
	return err
}

// testDelivery answers POST /api/bots/:id/deliveries/test.
func (s *Server) testDelivery(c echo.Context) error {
	b, err := s.pathKey(c)
	if err != nil {
		return err
	}
	exchangeOf(c).place.Release() // it waits for the endpoint, which is no work
	d, err := s.Votes.Relay.Test(c.Request().Context(), b)
	if err != nil {
		return err
	}
	beginJSON(c, http.StatusOK)
	return encodeDelivery(c.Response(), d)
}

// beginJSON begins an answer in JSON that nobody may keep.
func beginJSON(c echo.Context, status int) {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	c.Response().WriteHeader(status)
}
