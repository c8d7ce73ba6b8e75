//go:build !unix

package fanout

import "time"

// probeTime is how long tryRead waits.
const probeTime = 2 * time.Millisecond

type probe struct{}

// tryRead reads what has come. The error is os.ErrDeadlineExceeded where nothing
// has. Where sockets cannot be read without waiting, it waits for a moment.
func (s *socket) tryRead(p []byte) (int, error) {
	if err := s.SetReadDeadline(time.Now().Add(probeTime)); err != nil {
		return 0, err
	}
	n, err := s.Conn.Read(p)
	if reset := s.SetReadDeadline(time.Time{}); reset != nil {
		return 0, reset
	}
	return n, err
}
