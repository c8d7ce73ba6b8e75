package fanout

import (
	"context"
	"errors"
	"time"

	"aggregator/lists"
)

// Exchange makes a request to a server that is not a list, such as Discord or one
// of a bot's own, over the same transport as calls, and returns its answer: what
// went wrong is an answer too, in the same words. It has no breaker. Redirects are
// followed where op says so, as those of a call without a key. A request that op
// permits to repeat is sent once more where the connection broke before an answer.
func (c *Client) Exchange(ctx context.Context, op lists.Op, request lists.Request) lists.Answer {
	start := time.Now()
	r := &run{Client: c, caller: ctx, timeout: op.Timeout}
	var cancel context.CancelFunc
	r.ctx, cancel = context.WithTimeout(ctx, op.Timeout)
	defer cancel()
	var a lists.Answer
	err := r.exchange(&op, &request, redirects{}, &a)
	if err != nil && op.MayRepeat && isBroken(err) && r.ctx.Err() == nil {
		if _, late := errors.AsType[lateError](err); !late {
			err = r.exchange(&op, &request, redirects{}, &a)
		}
	}
	if err != nil {
		a = r.classify(err)
	}
	a.Took = time.Since(start)
	return a
}
