package health

import (
	"fmt"
	"net/http"

	"aggregator/aggregate"
	"aggregator/lists"
)

// faultKind is a kind of fault of a list, or of the way to it. Its number stands
// in stores, so it stays for good; see store.FigureFaults.
type faultKind int

// The kinds of faults.
const (
	faultTimeout faultKind = iota
	faultRefused
	faultReset
	faultCutShort
	faultDNS
	faultTLS
	faultTooLarge
	faultRedirect
	faultProtocol
	faultCircuit
	faultServer
	faultMoved
	faultPage
	noFault faultKind = -1
)

// faultKinds are the kinds by number: their names in JSON and metrics, and what
// calls did of which they are.
var faultKinds = [...]struct{ name, calls string }{
	faultTimeout:  {string(lists.FaultTimeout), "timed out"},
	faultRefused:  {string(lists.FaultRefused), "found no connection"},
	faultReset:    {string(lists.FaultReset), "were broken off"},
	faultCutShort: {string(lists.FaultCutShort), "were answered in part"},
	faultDNS:      {string(lists.FaultDNS), "found no such host"},
	faultTLS:      {string(lists.FaultTLS), "found no secure connection"},
	faultTooLarge: {string(lists.FaultTooLarge), "were answered with too much"},
	faultRedirect: {string(lists.FaultRedirect), "were led astray"},
	faultProtocol: {string(lists.FaultProtocol), "were answered with something that is not HTTP"},
	faultCircuit:  {string(lists.FaultCircuit), "were not sent, for the list kept silent"},
	faultServer:   {"5xx", "were answered with a server error"},
	faultMoved:    {"3xx", "were redirected"},
	faultPage:     {"page", "were answered with a page"},
}

var kindOf = map[lists.Fault]faultKind{
	lists.FaultTimeout: faultTimeout, lists.FaultRefused: faultRefused, lists.FaultReset: faultReset, lists.FaultCutShort: faultCutShort,
	lists.FaultDNS: faultDNS, lists.FaultTLS: faultTLS, lists.FaultTooLarge: faultTooLarge, lists.FaultRedirect: faultRedirect,
	lists.FaultProtocol: faultProtocol, lists.FaultCircuit: faultCircuit,
}

func (k faultKind) String() string {
	if k < 0 || int(k) >= len(faultKinds) {
		return fmt.Sprintf("kind_%d", int(k)) // of a newer program
	}
	return faultKinds[k].name
}

// weigh returns what an outcome says of the list. It tells nothing where the call
// was held back, and where what ended it was the caller's or ours: a caller that
// hung up, a call that could not be made, or for which there was no room. What a
// list answers with a 4xx, or with a 2xx that is no success, is no fault of it,
// for it may be the caller's token or bot.
func weigh(o aggregate.Outcome) (kind faultKind, tells bool) {
	switch {
	case o.Status == 0:
		return noFault, false
	case o.Status == lists.NoAnswer:
		kind, tells = kindOf[o.Fault]
		return kind, tells
	case o.Status >= http.StatusInternalServerError:
		return faultServer, true
	case o.Status/100 == 3:
		return faultMoved, true
	case o.Page && o.Status < http.StatusMultipleChoices:
		return faultPage, true
	}
	return noFault, true
}
