package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientIP is the caller's address: the peer's, unless the peer is a trusted
// proxy. Then it is what that proxy's header says; in X-Forwarded-For, the
// rightmost address that is no trusted proxy itself.
func (s *Server) clientIP(r *http.Request) string {
	peer := peerAddr(r.RemoteAddr)
	if !s.trusts(peer) {
		return peer.String()
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
	return at.String()
}

func (s *Server) trusts(addr netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func peerAddr(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return ap.Addr().Unmap().WithZone("")
}

// parseAddr reads an address, with or without a port. The zero Addr is none.
func parseAddr(s string) netip.Addr {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
