package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"aggregator/aggregate"
	"aggregator/shares"
	"aggregator/votes"
)

var (
	errListNotFound = errors.New("list not found")
	errWrongKey     = errors.New("the key is not the bot's")
	errNoKey        = errors.New("no key is shown")
	errNoObject     = &aggregate.InvalidError{Message: "Body must be JSON object"}
)

const internalError = "Internal error"

// maxBusyRetryAfter bounds the seconds after which a caller that found the
// service busy may try again: at random, so that not all come at once.
const maxBusyRetryAfter = 5

// answerError is the one table from error to answer. Any other error
// is internal: the log gets its text, the caller does not.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var (
		invalid  *aggregate.InvalidError
		webhook  *votes.InvalidError
		limited  *aggregate.LimitedError
		tooLarge tooLargeError
		panicked panicError
	)
	if status, message, ok := fixedAnswer(err); ok {
		answerMessage(c, status, message)
		return
	}
	switch {
	case errors.As(err, &invalid):
		answerMessage(c, http.StatusBadRequest, invalid.Message)
	case errors.As(err, &webhook):
		answerMessage(c, http.StatusBadRequest, webhook.Message)
	case errors.Is(err, errWrongKey):
		answer401(c, "Unknown key for this bot")
	case errors.Is(err, errNoKey):
		answer401(c, "A key is needed")
	case errors.As(err, &limited):
		s.answer429(c, limited)
	case errors.As(err, &tooLarge):
		answerMessage(c, http.StatusRequestEntityTooLarge, tooLarge.Error())
	case isBusy(err):
		c.Response().Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(maxBusyRetryAfter)))
		answerMessage(c, http.StatusServiceUnavailable, "Service is busy")
	case errors.Is(err, echo.ErrMethodNotAllowed):
		allow, _ := c.Get(echo.ContextKeyHeaderAllow).(string)
		c.Response().Header().Set("Allow", strings.TrimPrefix(allow, "OPTIONS, "))
		answerMessage(c, http.StatusMethodNotAllowed, "Method not allowed")
	case errors.Is(err, context.Canceled):
		// The caller is gone: there is no one to answer.
	case errors.As(err, &panicked):
		s.Log.Error("request panicked", "id", exchangeOf(c).id, "route", c.Path(), "stack", string(panicked))
		answerMessage(c, http.StatusInternalServerError, internalError)
	default:
		s.Log.Error("request failed", "id", exchangeOf(c).id, "route", c.Path(), "error", err)
		answerMessage(c, http.StatusInternalServerError, internalError)
	}
}

// faultPages are pages that say themselves why there is none.
type faultPages interface {
	Fault(w http.ResponseWriter, r *http.Request, status int)
}

// answerPageError is answerError for pages.
func (s *Server) answerPageError(pages faultPages, err error, c echo.Context) {
	if c.Response().Committed || errors.Is(err, context.Canceled) {
		return
	}
	status, limited := http.StatusInternalServerError, (*aggregate.LimitedError)(nil)
	switch {
	case errors.As(err, &limited):
		status = http.StatusTooManyRequests
		c.Response().Header().Set("Retry-After", strconv.FormatInt(limited.Decision.RetryAfter(s.now()), 10))
	case isBusy(err):
		status = http.StatusServiceUnavailable
		c.Response().Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(maxBusyRetryAfter)))
	default:
		s.Log.Error("page failed", "id", exchangeOf(c).id, "route", c.Path(), "error", err)
	}
	pages.Fault(c.Response(), c.Request(), status)
}

// fixedAnswers are the errors that are answered with a status and a message
// alone.
var fixedAnswers = []struct {
	err     error
	status  int
	message string
}{
	{errListNotFound, http.StatusNotFound, "List not found"},
	{echo.ErrNotFound, http.StatusNotFound, "Not found"},
	{votes.ErrNoHook, http.StatusNotFound, "Not found"},
	{votes.ErrUnproven, http.StatusUnauthorized, "Bad signature"},
	{errTooManyStreams, http.StatusTooManyRequests, "At most " + strconv.Itoa(maxStreams) + " streams for a bot"},
}

// fixedAnswer returns the answer of fixedAnswers; ok is false for an error that
// has none.
func fixedAnswer(err error) (status int, message string, ok bool) {
	for _, a := range fixedAnswers {
		if errors.Is(err, a.err) {
			return a.status, a.message, true
		}
	}
	return 0, "", false
}

// isBusy reports whether an error is answered by asking to come again: there is no
// room, or the store is away, or it took longer than the route allows.
func isBusy(err error) bool {
	for _, busy := range []error{aggregate.ErrBusy, aggregate.ErrClosed, shares.ErrBusy, votes.ErrNotKept, votes.ErrAway, context.DeadlineExceeded} {
		if errors.Is(err, busy) {
			return true
		}
	}
	return false
}

// answer401 answers a request that needs the bot's key.
func answer401(c echo.Context, message string) {
	c.Response().Header().Set("WWW-Authenticate", bearer)
	answerMessage(c, http.StatusUnauthorized, message)
}

// answerMessage sends an error as JSON. Where that fails the caller has left.
func answerMessage(c echo.Context, status int, message string) {
	body, err := json.Marshal(struct {
		Error   bool   `json:"error"`
		Status  int    `json:"status"`
		Message string `json:"message"`
	}{true, status, message})
	if err != nil { // numbers and strings marshal
		return
	}
	_ = answerJSON(c, status, body)
}

// panicError is the stack of a panic, without its value, which may hold what a
// caller sent.
type panicError []byte

func (panicError) Error() string { return "panic" }

// guarded turns a panic of what follows into an error.
func guarded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				err = panicError(debug.Stack())
			}
		}()
		return next(c)
	}
}
