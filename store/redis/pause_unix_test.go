//go:build unix

package redis

import (
	"os"
	"syscall"
)

// pause stops the server, as one that hangs.
func (s *server) pause() {
	s.Helper()
	s.signal(syscall.SIGSTOP)
}

// resume lets a server that was paused go on.
func (s *server) resume() {
	s.Helper()
	s.signal(syscall.SIGCONT)
}

func (s *server) signal(sig os.Signal) {
	s.Helper()
	if err := s.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
}
