package fanout

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
)

var errPrivate = errors.New("redirect to a private address")

// publicOnly marks the context of a request that must not reach private
// addresses: a list could lead a reading to what only this machine can see,
// and the answer would show it.
type publicOnly struct{}

func onlyPublic(ctx context.Context) context.Context {
	return context.WithValue(ctx, publicOnly{}, true)
}

// dialControl refuses private addresses where the context says so. It sees the
// address that is dialled, whatever the name led to.
func dialControl(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if ctx.Value(publicOnly{}) == nil {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || isPrivate(to.Addr()) {
		return errPrivate
	}
	return nil
}

// carrierGrade is what providers use within their own networks.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

func isPrivate(ip netip.Addr) bool {
	ip = ip.Unmap()
	return !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || carrierGrade.Contains(ip)
}

// isProxied tells whether a URL is reached through a proxy.
func isProxied(u *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	return err == nil && proxy != nil
}

// isPrivateHost tells whether a URL names a private address as it is written.
func isPrivateHost(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && isPrivate(ip)
}
