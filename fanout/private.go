package fanout

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
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

func isPublicOnly(ctx context.Context) bool { return ctx.Value(publicOnly{}) != nil }

// dialControl refuses private addresses where the context says so. It sees the
// address that is dialled, whatever the name led to.
func dialControl(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if !isPublicOnly(ctx) {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || isPrivate(to.Addr()) {
		return errPrivate
	}
	return nil
}

// privateRanges are the addresses that are not on the web: of this machine and
// of networks like ours, for several receivers, for documents and for later.
var privateRanges = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8")

// sixToFour holds an IPv4 address in each of its own.
var sixToFour = netip.MustParsePrefix("2002::/16")

func prefixes(all ...string) (parsed []netip.Prefix) {
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}

// isPrivate reports whether an address is not one of the web. What maps an IPv4
// address is as private as that.
func isPrivate(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if sixToFour.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[2:6]))
	}
	return !ip.IsValid() || slices.ContainsFunc(privateRanges, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// isPublic reports whether the address of a connection is one of the web.
func isPublic(a net.Addr) bool {
	to, err := netip.ParseAddrPort(a.String())
	return err == nil && !isPrivate(to.Addr())
}

// isProxied reports whether a URL is reached through a proxy.
func isProxied(u *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	return err == nil && proxy != nil
}

// isPrivateHost reports whether a URL names a private address as it is written.
func isPrivateHost(u *url.URL) bool {
	host := hostOf(u)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && isPrivate(ip)
}

// mayBePrivate reports whether a proxy could find a private address under the
// host of a URL, where we do not see to what it leads: a name of its own network,
// or a number in one of the ways to write an address.
func mayBePrivate(u *url.URL) bool {
	host := hostOf(u)
	if ip, err := netip.ParseAddr(host); err == nil {
		return isPrivate(ip)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == host || isNumber(last)
}

// isNumber reports whether s is a number as addresses hold them: decimal, octal
// or hexadecimal.
func isNumber(s string) bool {
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(s, "0123456789") == ""
}

// hostOf returns the host of a URL, in small letters and without a dot at its end.
func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }
