package main

// bounds is how much the service does at a time, so that its descriptors are
// enough: a call to a list, an idle connection to one and a caller's connection
// are one each.
type bounds struct {
	descriptors  int   // the process's limit
	connections  int   // of callers
	requests     int64 // being answered
	waiting      int   // requests that wait for room
	calls        int   // to lists
	callsPerList int
}

const (
	minDescriptors   = 256     // with fewer the service does not work well
	maxDescriptors   = 100_000 // that are put to use
	usualDescriptors = 1024    // where the limit is not known
	// minRequests holds however few descriptors there are. More requests at a
	// time than a processor or two can take would only make health wait.
	minRequests     = 64
	minCallsPerList = 16
	maxWaiting      = 2048
)

// newBounds returns bounds for this process's limit of descriptors.
func newBounds() bounds { return boundsFor(descriptorLimit()) }

// boundsFor returns bounds for a number of descriptors.
func boundsFor(descriptors int) bounds {
	n := max(minDescriptors, descriptors)
	calls := n * 3 / 10 // and half as many idle connections
	return bounds{
		descriptors:  descriptors,
		connections:  n * 9 / 20,
		requests:     int64(max(minRequests, n/40)),
		waiting:      min(maxWaiting, n/8), // the others' connections must hold those who ask for health
		calls:        calls,
		callsPerList: max(minCallsPerList, calls/8),
	}
}
