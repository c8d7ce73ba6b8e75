package fanout

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"aggregator/internal/errno"
	"aggregator/lists"
)

// jitter returns a random pause, so that calls that failed together are not
// made again together.
func jitter() time.Duration { return 50*time.Millisecond + rand.N(200*time.Millisecond) }

// ask asks a list, and in its second way where the first one's answer says so.
// The answer is left in a.
func (r *run) ask(call *lists.Call, a *lists.Answer) {
	r.askOneWay(call, a)
	if call.IsOtherwise(*a) {
		r.askOtherwise(call, a)
	}
}

// askOtherwise asks a list in its second way, after the answer to the first.
func (r *run) askOtherwise(call *lists.Call, a *lists.Answer) {
	second, ok := call.Otherwise()
	if !ok {
		return
	}
	first := *a
	*a = lists.Answer{}
	r.askOneWay(&second, a)
	*a = lists.Counts(first, *a)
}

// askOneWay asks a list, and asks once more where that is safe.
func (r *run) askOneWay(call *lists.Call, a *lists.Answer) {
	wire := call.Wire()
	err := r.send(call, &wire, a)
	if pause, ok := r.again(call, a, err); ok && r.sleep(pause) {
		err = r.send(call, &wire, a)
	}
	if err != nil {
		*a = r.classify(err)
	}
}

// again reports whether a call may be made once more, and after which pause:
// where the list cannot have seen it, or else where seeing it twice does no
// harm.
func (r *run) again(call *lists.Call, a *lists.Answer, err error) (pause time.Duration, ok bool) {
	_, late := errors.AsType[lateError](err)
	switch {
	case late:
		return 0, false
	case err == nil:
		if !isPassing(a.Status) || saysWait(call, a) || !call.MayRepeat() {
			return 0, false
		}
		pause = r.pause()
	case dialling(errno.IsRefused)(err):
		pause = r.pause()
	case !isBroken(err) || !call.MayRepeat():
		return 0, false
	} // and no pause after a broken connection: most were idle, and another one will do
	deadline, _ := r.ctx.Deadline()
	return pause, time.Until(deadline)-pause >= min(time.Second, r.timeout/4)
}

// isPassing reports whether a status is a gateway's trouble of the moment.
func isPassing(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// saysWait reports whether a list asks to be left alone for a while.
func saysWait(call *lists.Call, a *lists.Answer) bool {
	if _, says := a.Header["Retry-After"]; says {
		return true
	}
	_, says := call.WaitUntil(*a, time.Now())
	return says
}

// isBroken reports whether a connection broke before an answer came.
func isBroken(err error) bool {
	return errno.IsReset(err) || errors.Is(err, io.EOF)
}

// sleep reports whether the run was still on after a pause.
func (r *run) sleep(pause time.Duration) bool {
	if pause > 0 {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.ctx.Done():
		}
	}
	return r.ctx.Err() == nil
}
