package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/ratelimit"
)

// tellLimit sets the limit headers of the IETF draft. A request that used no
// window gets none.
func (s *Server) tellLimit(c echo.Context, policy string, d *ratelimit.Decision) {
	if d == nil {
		return
	}
	h := c.Response().Header()
	h.Set("RateLimit-Policy", fmt.Sprintf(`%q;q=%d;w=%d`, policy, d.Limit, int64(d.Period/time.Second)))
	h.Set("RateLimit", fmt.Sprintf(`%q;r=%d;t=%d`, policy, d.Remaining, d.RetryAfter(s.now())))
}

// limitedBody is the body of a 429, in this order.
type limitedBody struct {
	Error      bool   `json:"error"`
	Status     int    `json:"status"`
	RetryAfter int64  `json:"retry_after"`
	Reset      int64  `json:"ratelimit_reset"`
	Method     string `json:"ratelimit_method"`
	Route      string `json:"ratelimit_route"`
	IP         string `json:"ratelimit_ip"`
	BotID      string `json:"ratelimit_bot_id"`
	Message    string `json:"message"`
}

// answer429 tells a caller whose window is used up when to come again.
func (s *Server) answer429(c echo.Context, e *aggregate.LimitedError) {
	b := limitedBody{
		Error: true, Status: http.StatusTooManyRequests,
		RetryAfter: e.Decision.RetryAfter(s.now()),
		Reset:      e.Decision.Reset.Add(time.Second - time.Nanosecond).Unix(), // rounded up
		Method:     c.Request().Method, Route: c.Request().URL.Path,
		IP: e.Scope.IP.String(), BotID: e.Scope.BotID,
	}
	b.Message = fmt.Sprintf("Too many requests: try again in %d s", b.RetryAfter)
	h := c.Response().Header()
	h.Set("Retry-After", strconv.FormatInt(b.RetryAfter, 10))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(b.Reset, 10))
	h.Set("X-Rate-Limit-Method", b.Method)
	h.Set("X-Rate-Limit-Route", b.Route)
	h.Set("X-Rate-Limit-IP", b.IP)
	h.Set("X-Rate-Limit-Bot-ID", b.BotID)
	s.tellLimit(c, e.Scope.Name, &e.Decision)
	body, err := json.Marshal(b)
	if err != nil { // numbers and strings marshal
		return
	}
	_ = answerJSON(c, http.StatusTooManyRequests, body)
}
