package httpapi

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
)

var errListNotFound = errors.New("list not found")

// busyRetryAfter is when a caller that found the service busy may try again.
const busyRetryAfter = "1"

// answerError is the one table from error to answer. What it does not know is
// ours: the log has it, the caller does not.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var (
		invalid  *aggregate.InvalidError
		limited  *aggregate.LimitedError
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &invalid):
		answerMessage(c, http.StatusBadRequest, invalid.Message)
	case errors.As(err, &limited):
		s.answer429(c, limited)
	case errors.As(err, &tooLarge):
		answerMessage(c, http.StatusRequestEntityTooLarge, "Body must be at most "+strconv.Itoa(MaxBody)+" bytes")
	case errors.Is(err, aggregate.ErrBusy):
		c.Response().Header().Set("Retry-After", busyRetryAfter)
		answerMessage(c, http.StatusServiceUnavailable, "Service is busy")
	case errors.Is(err, errListNotFound):
		answerMessage(c, http.StatusNotFound, "List not found")
	case errors.Is(err, echo.ErrNotFound):
		answerMessage(c, http.StatusNotFound, "Not found")
	case errors.Is(err, echo.ErrMethodNotAllowed):
		allow, _ := c.Get(echo.ContextKeyHeaderAllow).(string)
		c.Response().Header().Set("Allow", strings.TrimPrefix(allow, "OPTIONS, "))
		answerMessage(c, http.StatusMethodNotAllowed, "Method not allowed")
	case errors.Is(err, context.Canceled):
		// The caller is gone: there is no one to answer.
	default:
		s.Log.Error("request failed", "id", c.Response().Header().Get(requestIDHeader), "route", c.Path(), "error", err)
		answerMessage(c, http.StatusInternalServerError, "Internal error")
	}
}

// answerMessage sends the error shape. An error in sending it has no one to go to.
func answerMessage(c echo.Context, status int, message string) {
	body := `{"error":true,"status":` + strconv.Itoa(status) + `,"message":` + strconv.Quote(message) + `}`
	_ = answerJSON(c, status, []byte(body))
}

// recoverPanic answers a panic, whose words go to the log alone.
func (s *Server) recoverPanic(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		panic(p)
	}
	s.Log.Error("request panicked", "id", w.Header().Get(requestIDHeader), "method", r.Method, "stack", string(debug.Stack()))
	answerMessage(s.router.NewContext(r, w), http.StatusInternalServerError, "Internal error")
}
