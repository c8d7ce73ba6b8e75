package httpapi

import (
	"fmt"
	"log/slog"
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
	peer := peerAddr(r.RemoteAddr)
	if !s.trusts(peer) {
		if s.ignoresHeader(r, peer) {
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
	if told := r.Header.Get("X-Forwarded-Proto"); strings.EqualFold(told, "https") && s.trusts(peerAddr(r.RemoteAddr)) {
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

// ignoresHeader reports whether a request of a peer carries the header of a
// proxy, and the peer is not a trusted one.
func (s *Server) ignoresHeader(r *http.Request, peer netip.Addr) bool {
	_, sent := r.Header[http.CanonicalHeaderKey(s.ClientIPHeader)]
	return sent && !s.trusts(peer)
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
