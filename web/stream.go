package web

import (
	"compress/gzip"
	"io"
	"net/http"
)

// stream is a page that is sent in pieces, compressed where the browser takes
// that. An error of writing means that the reader has left, which its context
// tells: what is written then goes nowhere.
type stream struct {
	io.Writer
	packed *gzip.Writer // nil: it is sent as it is
	ctl    *http.ResponseController
}

// newStream begins an answer with a page.
func newStream(w http.ResponseWriter, r *http.Request, status int) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Accel-Buffering", "no") // a proxy that waits for the whole page would show nothing until then
	s := &stream{Writer: w, ctl: http.NewResponseController(w)}
	if r.Method == http.MethodHead {
		s.Writer = io.Discard
	} else if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		s.packed = gzip.NewWriter(w)
		s.Writer = s.packed
	}
	w.WriteHeader(status)
	return s
}

// flush sends what was written.
func (s *stream) flush() {
	if s.packed != nil {
		_ = s.packed.Flush()
	}
	_ = s.ctl.Flush()
}

// Close ends the page.
func (s *stream) Close() error {
	if s.packed != nil {
		_ = s.packed.Close()
	}
	_ = s.ctl.Flush()
	return nil
}
