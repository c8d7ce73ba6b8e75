package httpapi

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// clientIP returns the caller's address: the peer's, unless the peer is a
// trusted proxy. Then it is what that proxy's header says; in X-Forwarded-For,
// the rightmost address that is not a trusted proxy itself. It is never the
// zero Addr.
func (s *Server) clientIP(r *http.Request) netip.Addr {
	peer := peerAddr(r)
	if !s.trustsPeer(r) {
		if s.ignoresHeader(r) {
			s.ignored.note(s.Log, s.ClientIPHeader, peer)
		}
		return peer
	}
	said := strings.Split(strings.Join(r.Header.Values(s.ClientIPHeader), ","), ",")
	at := peer
	for _, text := range slices.Backward(said) {
		addr := parseAddr(strings.TrimSpace(text))
		if !addr.IsValid() {
			break // whoever wrote this, no address left of it can be believed
		}
		if at = addr; !s.trusts(at) {
			break
		}
	}
	return at
}

// scheme returns by which scheme the caller came: by that of the connection, and
// through a trusted proxy by that which it tells.
func (s *Server) scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if told := r.Header.Get("X-Forwarded-Proto"); strings.EqualFold(told, "https") && s.trustsPeer(r) {
		return "https"
	}
	return "http"
}

// ignoredHeaders tells the operator once that a header which says another
// address is ignored: it may be that of a proxy. A peer within one's own network
// is told of apart, for any caller can send such a header.
type ignoredHeaders struct{ private, public sync.Once }

func (i *ignoredHeaders) note(log *slog.Logger, name string, peer netip.Addr) {
	once := &i.public
	if isPrivate(peer) {
		once = &i.private
	}
	once.Do(func() {
		log.Warn(fmt.Sprintf("%s from %s is ignored; see --trusted-proxies", name, peer))
	})
}

// ignoresHeader reports whether a request carries the header of a proxy, and its
// peer is not a trusted one.
func (s *Server) ignoresHeader(r *http.Request) bool {
	return s.hasHeader(r) && !s.trustsPeer(r)
}

// hasHeader reports whether a request carries the header of a proxy.
func (s *Server) hasHeader(r *http.Request) bool {
	_, sent := r.Header[http.CanonicalHeaderKey(s.ClientIPHeader)]
	return sent
}

// noteMissingHeader tells the operator once that requests for operations come over
// a socket without the header of a proxy: behind one that does not set it, all
// callers would share one window.
func (s *Server) noteMissingHeader(r *http.Request) {
	if isLocal(r) && !s.hasHeader(r) {
		s.unnamed.Do(func() {
			s.Log.Warn(fmt.Sprintf("requests come over the socket without %s: they count as one caller, %s", s.ClientIPHeader, localPeer))
		})
	}
}

// isPrivate reports whether addr is within this machine or one's own network.
func isPrivate(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// trusts reports whether addr is that of a trusted proxy.
func (s *Server) trusts(addr netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// trustsPeer reports whether a request's peer is a trusted proxy. A peer on a
// socket is: the operator has let it open that.
func (s *Server) trustsPeer(r *http.Request) bool { return isLocal(r) || s.trusts(peerAddr(r)) }

// isLocal reports whether a request came over a Unix socket.
func isLocal(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && addr.Network() == "unix"
}

// localPeer is the address of a peer on a Unix socket, which has none: it is a
// program of this machine.
var localPeer = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// peerAddr returns the address of a request's peer, and :: where it has none.
func peerAddr(r *http.Request) netip.Addr {
	if isLocal(r) {
		return localPeer
	}
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return plainAddr(ap.Addr())
}

// parseAddr reads an address, with or without a port. It returns the zero Addr
// for what is not an address.
func parseAddr(s string) netip.Addr {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return plainAddr(addr)
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return plainAddr(ap.Addr())
	}
	return netip.Addr{}
}

// plainAddr returns the one form that an address has here.
func plainAddr(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
