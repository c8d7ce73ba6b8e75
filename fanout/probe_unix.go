//go:build unix

package fanout

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// probe is what tryRead needs. It is kept, for it costs allocations.
type probe struct {
	read func(fd uintptr) (done bool)
	into []byte
	n    int
	err  error
}

// tryRead reads what has come. The error is os.ErrDeadlineExceeded where nothing
// has.
func (s *socket) tryRead(p []byte) (int, error) {
	if s.read == nil {
		s.read = s.readOnce
	}
	s.into = p
	err := s.raw.Read(s.read)
	s.into = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(s.err, syscall.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case s.err != nil:
		return 0, os.NewSyscallError("read", s.err)
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// readOnce is for raw.Read, which waits unless it returns true.
func (s *socket) readOnce(fd uintptr) (done bool) {
	for {
		s.n, s.err = syscall.Read(int(fd), s.into)
		if !errors.Is(s.err, syscall.EINTR) {
			return true
		}
	}
}
