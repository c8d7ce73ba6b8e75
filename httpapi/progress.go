package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A body and an answer must make progress: so many bytes a second, once some
// time has passed.
const (
	minProgress   = 1 << 10
	progressGrace = 5 * time.Second
)

// progressDeadline returns when n bytes must have moved of what began at start.
func progressDeadline(start time.Time, n int) time.Time {
	return start.Add(progressGrace + time.Duration(n)*time.Second/minProgress)
}

// MaxBody bounds a request body, in bytes.
const MaxBody = 256 << 10

// bodyLimit bounds a request body.
type bodyLimit struct {
	bytes  int
	cost   int           // how many bytes of memory a byte of it may become; 0: bodyCost
	within time.Duration // until it has come; 0: as long as it makes progress
	answer time.Duration // in which a request that has come is answered, what it waited for memory counted in; 0: no bound
}

// tooLargeError is the error of a body of more bytes than its value.
type tooLargeError int

func (e tooLargeError) Error() string {
	return "Body must be at most " + strconv.Itoa(int(e)) + " bytes"
}

// deadline returns when n bytes must have come of a body that began at start.
func (l bodyLimit) deadline(start time.Time, n int) time.Time {
	at := progressDeadline(start, n)
	if last := start.Add(l.within); l.within > 0 && last.Before(at) {
		return last
	}
	return at
}

// bodyChunk is how much is allocated for a body whose length is not known, or is
// large: the rest must come first.
const bodyChunk = 16 << 10

// readBody reads a body within a limit. It calls pay for what it is about to
// allocate. The error is a tooLargeError, that of pay, or errNoObject for a body
// that broke off, made no progress, came too late or is not HTTP.
func readBody(w http.ResponseWriter, r *http.Request, limit bodyLimit, pay func(bytes int) error) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > int64(limit.bytes) {
		return nil, tooLargeError(limit.bytes)
	}
	deadlines := http.NewResponseController(w)
	defer func() { _ = deadlines.SetReadDeadline(time.Time{}) }() // else it would end the request that is worked on
	start := time.Now()
	size := bodyChunk
	if r.ContentLength > 0 {
		size = min(size, int(r.ContentLength)+1) // and one more, to see the end
	}
	var body []byte
	for {
		size = min(size, limit.bytes+1)
		if err := pay(size); err != nil {
			return nil, err
		}
		body = append(make([]byte, 0, size), body...)
		for len(body) < size {
			_ = deadlines.SetReadDeadline(limit.deadline(start, len(body)+1))
			n, err := r.Body.Read(body[len(body):size])
			body = body[:len(body)+n]
			switch {
			case len(body) > limit.bytes:
				return nil, tooLargeError(limit.bytes)
			case errors.Is(err, io.EOF):
				return body, nil
			case err != nil:
				return nil, errNoObject
			}
		}
		size *= 2
	}
}

// answerChunk is how much of an answer is written at a time.
const answerChunk = 16 << 10

// answerWriter writes an answer that must be taken. It tells, once, that the
// answer begins.
type answerWriter struct {
	http.ResponseWriter
	begin     func()
	deadlines *http.ResponseController
	start     time.Time
	written   int
}

func newAnswerWriter(w http.ResponseWriter, begin func()) *answerWriter {
	return &answerWriter{ResponseWriter: w, begin: begin, deadlines: http.NewResponseController(w)}
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *answerWriter) WriteHeader(status int) {
	w.begun()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *answerWriter) Write(p []byte) (n int, err error) {
	w.begun()
	for len(p) > 0 && err == nil {
		part := p[:min(len(p), answerChunk)]
		_ = w.deadlines.SetWriteDeadline(progressDeadline(w.start, w.written+len(part)))
		var k int
		k, err = w.ResponseWriter.Write(part)
		w.written += k
		n += k
		p = p[k:]
	}
	return n, err
}

// renew gives what is written next a deadline of its own: an answer without end is
// taken piece by piece.
func (w *answerWriter) renew() {
	w.begun()
	w.start, w.written = time.Now(), 0
}

func (w *answerWriter) begun() {
	if w.start.IsZero() {
		w.start = time.Now()
		_ = w.deadlines.SetWriteDeadline(progressDeadline(w.start, 0))
		w.begin()
	}
}
