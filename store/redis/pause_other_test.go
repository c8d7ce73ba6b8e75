//go:build !unix

package redis

// pause skips the test: processes cannot be stopped here.
func (s *server) pause() {
	s.Helper()
	s.Skip("NOT TESTED: a process cannot be made to hang on this system")
}

// resume is there for tests that pause skips.
func (s *server) resume() {}
