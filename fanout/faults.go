package fanout

import (
	"compress/flate"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"aggregator/internal/errno"
	"aggregator/lists"
)

// classify makes an answer of an error, in plain words. The words are ours
// alone: errors can hold whole URLs, and tokens in them.
func (r *run) classify(err error) lists.Answer {
	switch {
	case r.caller.Err() != nil:
		return noAnswer(lists.FaultCanceled, "Canceled: the caller hung up")
	case r.ctx.Err() != nil:
		return noAnswer(lists.FaultTimeout, "Timeout after "+r.timeout.String())
	}
	if e, ok := errors.AsType[tooLargeError](err); ok {
		return noAnswer(lists.FaultTooLarge, e.Error())
	}
	a := noAnswer(lists.FaultProtocol, "Answer is not HTTP")
	for _, e := range explanations {
		if e.fits(err) {
			a.Fault, a.Reason = e.fault, e.reason
			break
		}
	}
	late, ok := errors.AsType[lateError](err)
	switch {
	case !ok:
	case late.redirected:
		a.Fault, a.Reason = lists.FaultRedirect, "After a redirect: "+a.Reason
	case a.NotSent(): // it was: an error that usually comes early came late
		a.Fault = lists.FaultReset
	}
	return a
}

// explanations say what errors mean; the first that fits does.
var explanations = []struct {
	fits   func(error) bool
	fault  lists.Fault
	reason string
}{
	{is(errHeader), lists.FaultTooLarge, fmt.Sprintf("Header of the answer larger than %d KiB", maxHeader>>10)},
	{is(errNoMemory), lists.FaultMemory, noMemory},
	{is(errRedirects), lists.FaultRedirect, fmt.Sprintf("More than %d redirects", maxRedirects)},
	{is(errOtherOrigin), lists.FaultRedirect, "Redirected to another origin, where the key must not go"},
	{is(errOtherList), lists.FaultRedirect, "Redirected to another list"},
	{is(errPrivate), lists.FaultRedirect, "Redirected to a private address"},
	{is(errBadLocation), lists.FaultRedirect, "Redirected to something that is no web address"},
	{is(errSwitched), lists.FaultProtocol, "Answer switches to another protocol"},
	{is(errBadURL), lists.FaultOther, "Request cannot be made: bad URL"},
	{is(errBadHeader), lists.FaultOther, "Request cannot be made: bad header"},
	{is(errBody), lists.FaultOther, "Request cannot be made: bad body"},
	{is(errBadProxy), lists.FaultOther, "Request cannot be made: the proxy's address is bad"},
	{is(errProxyScheme), lists.FaultOther, "Request cannot be made: the proxy is neither HTTP nor SOCKS5"},

	// Ours, and no list's: there is nothing left to make connections with.
	{errno.IsExhausted, lists.FaultBusy, tooMany},

	{is(errProxy), lists.FaultRefused, "The proxy refused the connection"},
	{func(err error) bool { e, ok := errors.AsType[*net.OpError](err); return ok && e.Op == "proxyconnect" },
		lists.FaultRefused, "The proxy cannot be reached"},
	{func(err error) bool { e, ok := errors.AsType[*net.DNSError](err); return ok && e.IsNotFound },
		lists.FaultDNS, "No such host"},
	{as[*net.DNSError], lists.FaultDNS, "Host name could not be looked up"},
	{dialling(errno.IsRefused), lists.FaultRefused, "Connection refused"},
	{dialling(errno.IsUnreachable), lists.FaultRefused, "Host unreachable"},

	{as[x509.HostnameError], lists.FaultTLS, "TLS failed: the certificate is for another host"},
	{as[x509.UnknownAuthorityError], lists.FaultTLS, "TLS failed: the certificate is not trusted"},
	{func(err error) bool {
		e, ok := errors.AsType[x509.CertificateInvalidError](err)
		return ok && e.Reason == x509.Expired
	}, lists.FaultTLS, "TLS failed: the certificate has expired or is not yet valid"},
	{as[*tls.CertificateVerificationError], lists.FaultTLS, "TLS failed: the certificate is not valid"},
	{as[x509.CertificateInvalidError], lists.FaultTLS, "TLS failed: the certificate is not valid"},
	{as[tls.RecordHeaderError], lists.FaultTLS, "TLS failed: the answer is not TLS"},
	// These come after the handshake too, when the list may have seen the call.
	{as[tls.AlertError], lists.FaultReset, "TLS failed: the handshake was refused"},
	{says("tls: "), lists.FaultReset, "TLS failed: the handshake was refused"},

	{is(gzip.ErrHeader, gzip.ErrChecksum), lists.FaultProtocol, "Answer says gzip and is not"},
	{as[flate.CorruptInputError], lists.FaultProtocol, "Answer says gzip and is not"},
	{is(io.ErrUnexpectedEOF), lists.FaultCutShort, "Answer cut short"},
	{errno.IsReset, lists.FaultReset, "Connection reset"},
	{is(net.ErrClosed), lists.FaultReset, "Connection reset"},
	{is(io.EOF), lists.FaultReset, "Connection closed without an answer"},
	{is(errHandshakeTimeout), lists.FaultTLS, "TLS failed: timeout"},
	{dialling(isTimeout), lists.FaultRefused, "Timeout while connecting"},
	{isTimeout, lists.FaultTimeout, "Timeout while connecting"},
	{dialling(as[*net.OpError]), lists.FaultRefused, "No connection"},
	{as[*net.OpError], lists.FaultReset, "Connection broken"},
	{as[lateError], lists.FaultProtocol, "Answer breaks off: not HTTP"},
}

// dialling fits errors of making a connection: the list cannot have seen the call.
func dialling(fits func(error) bool) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*net.OpError](err)
		return ok && e.Op == "dial" && fits(err)
	}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// is fits errors that are one of some.
func is(some ...error) func(error) bool {
	return func(err error) bool {
		for _, e := range some {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
}

// as fits errors of a type.
func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// says fits errors that have no other name than their text.
func says(part string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), part) }
}
