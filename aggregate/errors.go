package aggregate

import (
	"errors"
	"fmt"

	"aggregator/ratelimit"
)

// InvalidError says what is wrong with a request, for its caller to read.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(message string) error { return &InvalidError{message} }

// LimitedError says that the window of a request is used up.
type LimitedError struct {
	Scope    ratelimit.Scope
	Decision ratelimit.Decision
}

func (e *LimitedError) Error() string {
	return fmt.Sprintf("%s %s: limited until %s", e.Scope.Method, e.Scope.Route, e.Decision.Reset)
}

// ErrBusy says that there is no room for the request just now.
var ErrBusy = errors.New("service is busy")
