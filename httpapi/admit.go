package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/ratelimit"
	"aggregator/shares"
)

// bodyCost is how many bytes of memory a byte of a body may become once it is
// decoded, planned and answered: ids and tokens of a few letters take the most.
const bodyCost = 24

// alwaysAnswered reports whether a request is answered whatever else goes on:
// those that ask how the service is.
func alwaysAnswered(c echo.Context) bool { return c.Path() == healthPath || c.Path() == metricsPath }

// counted takes one of the requests that a network may send of operations. It
// comes first: who asks far too often costs the service as little as can be.
func (s *Server) counted(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		if policy := s.policy(c); policy == "" || policy == shardsPolicy || !x.network.IsValid() {
			return next(c)
		}
		scope := ratelimit.Scope{Name: networkPolicy, IP: x.ip}
		d, err := s.NetworkLimit.Take(c.Request().Context(), scope)
		if err != nil {
			return err
		}
		if d != nil && !d.OK {
			closeUnread(c)
			return &aggregate.LimitedError{Scope: scope, Decision: *d}
		}
		ctx := context.WithoutCancel(c.Request().Context())
		x.refund = func() { _ = s.NetworkLimit.Release(ctx, scope) } // it is kept in memory, which does not fail
		return next(c)
	}
}

// received reads the body before the request takes a place: until it is read, a
// caller's hang-up goes unnoticed, and a request that comes slowly must not
// take the place of those that have come. While it comes it holds the memory of
// what is there, and then that of what will be made of it.
func (s *Server) received(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		x.conn.enter(phaseBody)
		var held []*shares.Grant
		limit, ok := s.bodies[c.Path()]
		if !ok {
			limit = bodyLimit{bytes: MaxBody}
		}
		body, err := readBody(c.Response(), c.Request(), limit, func(n int) error {
			g, err := s.acquire(c, int64(n), limit)
			held = append(held, g)
			return err
		})
		for _, g := range held {
			g.Release()
		}
		if err != nil {
			closeUnread(c)
			return err
		}
		x.conn.enter(phaseWork)
		x.body = body
		return next(c)
	}
}

// acquire acquires memory for a body that comes, and notes how long that took. It
// waits no longer than the body's request may.
func (s *Server) acquire(c echo.Context, n int64, limit bodyLimit) (*shares.Grant, error) {
	x, ctx := exchangeOf(c), c.Request().Context()
	if limit.answer > 0 {
		within, cancel := context.WithTimeout(ctx, limit.answer-x.waited)
		defer cancel()
		ctx = within
	}
	start := time.Now()
	g, err := s.Memory.Acquire(ctx, x.network, n)
	x.waited += time.Since(start)
	return g, err
}

// closeUnread has the connection closed after the answer where its request has
// a body that was not read: the server would wait for that.
func closeUnread(c echo.Context) {
	if c.Request().ContentLength != 0 {
		c.Response().Header().Set("Connection", "close")
	}
}

// admitted takes a place among the requests that are worked on, until the
// answer begins, and the memory of its body's content, until the answer is
// taken. It waits for them.
func (s *Server) admitted(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		if !alwaysAnswered(c) {
			if len(x.body) > 0 {
				memory, err := s.Memory.Acquire(c.Request().Context(), x.network, int64(len(x.body))*int64(cmp.Or(s.bodies[c.Path()].cost, bodyCost)))
				if err != nil {
					return err
				}
				x.holder.Keep(memory)
			}
			place, err := s.Requests.Acquire(c.Request().Context(), x.network, 1)
			if err != nil {
				return err
			}
			defer place.Release()
			x.place = place
			if s.stopping.Load() {
				c.Response().Header().Set("Connection", "close")
				return aggregate.ErrBusy
			}
		}
		s.busy.Add(1)
		defer s.busy.Add(-1)
		return next(c)
	}
}

// networkOf returns the network whose share a request is given. It is the zero
// Prefix, which has no share, for a peer of one's own network that sends the
// address of another in a header which is ignored: all callers seem to come from
// there.
func (s *Server) networkOf(r *http.Request, ip netip.Addr) netip.Prefix {
	if isPrivate(ip) && s.ignoresHeader(r) {
		return netip.Prefix{}
	}
	return shares.Network(ip)
}
