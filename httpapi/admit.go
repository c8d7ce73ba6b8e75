package httpapi

import (
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
)

// MaxBody bounds a request body, in bytes.
const MaxBody = 256 << 10

// arrivingPerBusy is how many requests may be arriving for each that may be
// answered: these wait for their callers, and cost little.
const arrivingPerBusy = 8

// isOver reports whether n is over a bound that may be off.
func isOver(n, bound int64) bool { return bound > 0 && n > bound }

func isHealth(c echo.Context) bool { return c.Path() == healthPath }

// received reads the body before the request takes a place: until it is read, a
// caller's hang-up goes unnoticed, and a request that comes slowly must not
// take the place of those that have come.
func (s *Server) received(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if isOver(s.arriving.Add(1), arrivingPerBusy*s.MaxRequests) && !isHealth(c) {
			s.arriving.Add(-1)
			c.Response().Header().Set("Connection", "close") // its body is not read
			return aggregate.ErrBusy
		}
		body, err := readBody(c.Response(), c.Request())
		s.arriving.Add(-1)
		if err != nil {
			return err
		}
		exchangeOf(c).body = body
		return next(c)
	}
}

// readBody reads a body of up to MaxBody bytes. Of one that is longer the error
// is an *http.MaxBytesError.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return nil, errNoObject // it broke off, or is no HTTP
	}
	return body, err
}

// admitted takes a place among the requests that are answered at a time.
func (s *Server) admitted(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		busy := s.busy.Add(1)
		defer s.busy.Add(-1)
		if (isOver(busy, s.MaxRequests) || s.stopping.Load()) && !isHealth(c) {
			c.Response().Header().Set("Connection", "close")
			return aggregate.ErrBusy
		}
		return next(c)
	}
}
