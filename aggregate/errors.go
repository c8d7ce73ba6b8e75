package aggregate

import (
	"errors"
	"fmt"

	"aggregator/ratelimit"
)

// InvalidError says what is wrong with a request, in words for its caller.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(message string) error { return &InvalidError{message} }

// LimitedError reports that the window of a request is used up.
type LimitedError struct {
	Scope    ratelimit.Scope
	Decision ratelimit.Decision
}

func (e *LimitedError) Error() string {
	return fmt.Sprintf("%s of bot %s: limited until %s", e.Scope.Name, e.Scope.BotID, e.Decision.Reset)
}

// ErrBusy reports that there is no room for the request just now.
var ErrBusy = errors.New("service is busy")

// ErrClosed reports that the Aggregator is closed.
var ErrClosed = errors.New("aggregator is closed")
