package fanout

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"aggregator/lists"
	"aggregator/shares"
)

// tooLargeError is the error of an answer of more bytes than its value.
type tooLargeError int

func (e tooLargeError) Error() string {
	const mib = 1 << 20
	if e >= mib && e%mib == 0 {
		return fmt.Sprintf("Answer larger than %d MiB", int(e)/mib)
	}
	return fmt.Sprintf("Answer larger than %d KiB", int(e)>>10)
}

var (
	errNoMemory = errors.New("no memory for the answer")
	errSwitched = errors.New("switched protocols")
)

// receive reads an answer of at most so many bytes into a. What it reads costs
// memory of the run.
func (r *run) receive(resp *http.Response, maxBytes int, a *lists.Answer) error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return errSwitched
	}
	b := bill{memory: r.memory}
	body, err := b.readAll(resp, maxBytes)
	if err != nil {
		r.memory.Return(b.paid)
		return err
	}
	*a = lists.NewAnswer(resp.StatusCode, resp.Header, body)
	return nil
}

// bill is what the reading of one answer has cost.
type bill struct {
	memory *shares.Grant
	paid   int64
}

// pay pays for a buffer of a size. The error is errNoMemory.
func (b *bill) pay(size int) error {
	more := answerCost*int64(max(0, size-freeAnswer)) - b.paid
	if more <= 0 {
		return nil
	}
	if !b.memory.Grow(more) {
		return errNoMemory
	}
	b.paid += more
	return nil
}

// unzipper decompresses gzip. Unzippers are pooled, for one is 40 KB.
type unzipper struct {
	gzip.Reader
	from bufio.Reader
}

var unzippers = sync.Pool{New: func() any { return new(unzipper) }}

// reset begins to read from r. The error is io.EOF where there is nothing.
func (z *unzipper) reset(r io.Reader) error {
	z.from.Reset(r)
	return z.next()
}

// next begins with the next member.
func (z *unzipper) next() error {
	if err := z.Reader.Reset(&z.from); err != nil {
		return err
	}
	z.Multistream(false)
	return nil
}

// Read implements io.Reader. Like gzip itself it takes several members for one
// text, and zeros at the end for nothing.
func (z *unzipper) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	for {
		c, err := z.from.ReadByte()
		if err != nil {
			return n, err
		}
		if c != 0 {
			break
		}
	}
	_ = z.from.UnreadByte() // a byte was read just now
	return n, z.next()
}

// readAll reads an answer to its end, so that its connection is used again,
// or to maxBytes. The error is a tooLargeError where there are more, and
// errNoMemory where they do not fit.
func (b *bill) readAll(resp *http.Response, maxBytes int) ([]byte, error) {
	if resp.ContentLength > int64(maxBytes) {
		return nil, tooLargeError(maxBytes)
	}
	if resp.ContentLength == 0 || !strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		return b.readUpTo(resp.Body, resp.ContentLength, maxBytes)
	}
	delete(resp.Header, "Content-Encoding")
	delete(resp.Header, "Content-Length")
	z, _ := unzippers.Get().(*unzipper)
	defer unzippers.Put(z)
	switch err := z.reset(&capped{resp.Body, maxBytes, maxBytes}); {
	case errors.Is(err, io.EOF): // no body at all
		return nil, nil
	case err != nil:
		return nil, lateError{error: err}
	}
	return b.readUpTo(z, -1, maxBytes)
}

// readUpTo reads to the end or to maxBytes. A size below 0 is not known.
func (b *bill) readUpTo(r io.Reader, size int64, maxBytes int) ([]byte, error) {
	if size < 0 {
		size = 511
	}
	if err := b.pay(int(size) + 1); err != nil {
		return nil, err
	}
	buf := make([]byte, 0, size+1) // one more, to see the end without growing
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxBytes:
			return nil, tooLargeError(maxBytes)
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, lateError{error: err}
		case len(buf) == cap(buf):
			if err := b.pay(2 * cap(buf)); err != nil {
				return nil, err
			}
			buf = slices.Grow(buf, cap(buf))
		}
	}
}

// capped reads up to maxBytes bytes, of which left are left; one more is too
// large.
type capped struct {
	io.Reader
	left     int
	maxBytes int
}

// Read implements io.Reader.
func (c *capped) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left -= n; c.left < 0 {
		return 0, tooLargeError(c.maxBytes)
	}
	return n, err
}
