package lists

import (
	"testing"
)

func TestNotSent(t *testing.T) {
	t.Parallel()
	for fault, want := range map[Fault]bool{
		FaultNone: false, FaultTimeout: false, FaultReset: false, FaultCutShort: false, FaultTooLarge: false, FaultRedirect: false,
		FaultProtocol: false, FaultCanceled: false, FaultOther: false, FaultPanic: false,
		FaultRefused: true, FaultDNS: true, FaultTLS: true, FaultCircuit: true, FaultBusy: true,
	} {
		if got := (Answer{Status: NoAnswer, Fault: fault}).NotSent(); got != want {
			t.Errorf("%q: %t", fault, got)
		}
	}
}
