package fanout

import (
	"encoding/binary"
	"net"
	"syscall"
)

// socket is a connection to which requests are written and that can be asked
// whether there is something to read.
type socket struct {
	net.Conn
	probe
	raw     syscall.RawConn // nil: it cannot be asked
	hangUp  func()          // closes it
	written int             // bytes since it was last set
	probing bool            // Read does not wait, but returns os.ErrDeadlineExceeded
}

func newSocket(c net.Conn) *socket {
	s := &socket{Conn: c}
	s.hangUp = func() { _ = c.Close() }
	if sc, ok := c.(syscall.Conn); ok {
		s.raw, _ = sc.SyscallConn()
	}
	return s
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	if s.probing {
		return s.tryRead(p)
	}
	return s.Conn.Read(p)
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.written += n
	return n, err
}

// recordReader is a connection under a layer of TLS. It knows whether all that
// was read are whole records: crypto/tls keeps the beginning of one to itself.
type recordReader struct {
	net.Conn
	header [5]byte // of the record that is being read: type, version, length
	got    int     // bytes of header
	left   int     // bytes of the record after the header
}

// Read implements net.Conn.
func (r *recordReader) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.count(p[:n])
	return n, err
}

// count counts bytes that were read.
func (r *recordReader) count(p []byte) {
	for len(p) > 0 {
		if r.left > 0 {
			n := min(r.left, len(p))
			r.left -= n
			p = p[n:]
			continue
		}
		n := copy(r.header[r.got:], p)
		r.got += n
		p = p[n:]
		if r.got == len(r.header) {
			r.got, r.left = 0, int(binary.BigEndian.Uint16(r.header[3:]))
		}
	}
}

// whole reports whether the last record was read to its end.
func (r *recordReader) whole() bool { return r.got == 0 && r.left == 0 }
