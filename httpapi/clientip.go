package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientIP returns the caller's address: the peer's, unless the peer is a
// trusted proxy. Then it is what that proxy's header says; in X-Forwarded-For,
// the rightmost address that is not a trusted proxy itself. It is never the
// zero Addr.
func (s *Server) clientIP(r *http.Request) netip.Addr {
	peer := peerAddr(r.RemoteAddr)
	if !s.trusts(peer) {
		return peer
	}
	said := strings.Split(strings.Join(r.Header.Values(s.ClientIPHeader), ","), ",")
	at := peer
	for i := len(said) - 1; i >= 0; i-- {
		addr := parseAddr(strings.TrimSpace(said[i]))
		if !addr.IsValid() {
			break // whoever wrote this, no address left of it can be believed
		}
		if at = addr; !s.trusts(at) {
			break
		}
	}
	return at
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

// peerAddr returns the address of an http.Request's RemoteAddr, and :: where
// that has none.
func peerAddr(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
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
