package fanout

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"aggregator/lists"
)

// explain tells the kind of an error and says it in plain words. The words are
// ours alone: the errors of net/http hold whole URLs, and tokens in them.
func explain(ctx context.Context, err error, timeout time.Duration) (lists.Fault, string) {
	var (
		inBody    bodyError
		dns       *net.DNSError
		op        *net.OpError
		record    tls.RecordHeaderError
		cert      *tls.CertificateVerificationError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		netErr    net.Error
	)
	afterStart := errors.As(err, &inBody)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return lists.FaultTimeout, "Timeout after " + timeout.String()
	case ctx.Err() != nil:
		return lists.FaultCanceled, "Canceled: the caller hung up"
	case errors.Is(err, errTooLarge):
		return lists.FaultTooLarge, fmt.Sprintf("Answer larger than %d KiB", MaxAnswer>>10)
	case errors.Is(err, errRedirects):
		return lists.FaultRedirect, fmt.Sprintf("More than %d redirects", maxRedirects)
	case errors.Is(err, errOtherOrigin):
		return lists.FaultRedirect, "Redirected to another origin, where the key must not go"
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return lists.FaultDNS, "No such host"
		}
		return lists.FaultDNS, "Host name could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return lists.FaultRefused, "Connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return lists.FaultRefused, "Host unreachable"
	case errors.As(err, &host):
		return lists.FaultTLS, "TLS failed: the certificate is for another host"
	case errors.As(err, &authority):
		return lists.FaultTLS, "TLS failed: the certificate is not trusted"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return lists.FaultTLS, "TLS failed: the certificate has expired or is not yet valid"
	case errors.As(err, &cert), errors.As(err, &invalid):
		return lists.FaultTLS, "TLS failed: the certificate is not valid"
	case errors.As(err, &record):
		return lists.FaultTLS, "TLS failed: the answer is not TLS"
	case errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		return lists.FaultTLS, "TLS failed: the handshake was refused"
	case afterStart && (errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || strings.Contains(err.Error(), "flate: ")):
		return lists.FaultProtocol, "Answer says gzip and is not"
	case afterStart && errors.Is(err, io.ErrUnexpectedEOF):
		return lists.FaultCutShort, "Answer cut short"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return lists.FaultReset, "Connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "server closed idle connection"):
		return lists.FaultReset, "Connection closed without an answer"
	case errors.As(err, &netErr) && netErr.Timeout():
		return lists.FaultTimeout, "Timeout while connecting"
	case errors.As(err, &op):
		return lists.FaultRefused, "No connection"
	case afterStart:
		return lists.FaultProtocol, "Answer breaks off: not HTTP"
	}
	return lists.FaultProtocol, "Answer is not HTTP"
}
