package main

import "syscall"

// bounds is how much the service does at a time, so that its descriptors are
// enough: a call to a list, an idle connection to one and a caller's connection
// are one each.
type bounds struct {
	connections  int   // of callers
	requests     int64 // being answered
	calls        int   // to lists
	callsPerList int
}

// Bounds of the bounds, whatever the limit of descriptors. More requests at a
// time than a processor or two can take would only make health wait.
const (
	leastRequests    = 64
	leastDescriptors = 256
	mostDescriptors  = 100_000
)

func newBounds() bounds {
	limit := syscall.Rlimit{Cur: 1024}
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // without an answer the usual least limit stands
	n := int(max(leastDescriptors, min(limit.Cur, mostDescriptors)))
	calls := n / 5 // and as many idle connections
	return bounds{
		connections:  n * 9 / 20,
		requests:     int64(max(leastRequests, n/40)),
		calls:        calls,
		callsPerList: max(16, calls/8),
	}
}
