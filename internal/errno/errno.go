// Package errno tells faults of connections apart, by the number that each
// system has for them.
package errno

import (
	"errors"
	"slices"
)

// IsRefused reports whether nobody listens at an address.
func IsRefused(err error) bool { return isOneOf(err, refused) }

// IsReset reports whether the other end has hung up.
func IsReset(err error) bool { return isOneOf(err, reset) }

// IsUnreachable reports whether no way leads to an address.
func IsUnreachable(err error) bool { return isOneOf(err, unreachable) }

// IsExhausted reports whether the process or the system has nothing left to make
// connections with.
func IsExhausted(err error) bool { return isOneOf(err, exhausted) }

func isOneOf(err error, all []error) bool {
	return slices.ContainsFunc(all, func(e error) bool { return errors.Is(err, e) })
}
