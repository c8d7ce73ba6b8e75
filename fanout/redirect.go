package fanout

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	maxRedirects = 5       // that a call follows
	maxLocation  = 4 << 10 // bytes of a redirect that is followed
	maxDrain     = 2 << 10 // bytes of a redirect's body, to use its connection again
)

var (
	errBadURL      = errors.New("bad URL")
	errBadLocation = errors.New("bad redirect")
	errRedirects   = errors.New("too many redirects")
	errOtherOrigin = errors.New("redirect to another origin")
	errOtherList   = errors.New("redirect to another list")
)

// redirects says where the redirects of a request may lead.
type redirects struct {
	keyed bool   // it carries a key, which must stay at its origin
	from  string // the id of the list that is asked, whose redirects must not lead to others; "": none
}

// follow sends a request and follows its redirects.
func (r *run) follow(req *http.Request, may redirects) (*http.Response, error) {
	for n := 0; ; n++ {
		resp, err := r.transport.RoundTrip(req)
		if err != nil && n > 0 {
			err = lateError{err, true}
		}
		if err != nil {
			return nil, err
		}
		location := resp.Header.Get("Location")
		if location == "" || !isRedirect(resp.StatusCode) {
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		_ = resp.Body.Close()
		if n == maxRedirects {
			return nil, errRedirects
		}
		if req, err = r.redirected(req, location, may); err != nil {
			return nil, err
		}
	}
}

// redirected returns the request that follows a redirect. The error says why it
// must not be made.
func (r *run) redirected(req *http.Request, location string, may redirects) (*http.Request, error) {
	next, err := target(req.URL, location)
	switch {
	case err != nil:
		return nil, err
	case may.keyed && origin(next) != origin(req.URL):
		return nil, errOtherOrigin
	case may.from != "" && next.Host != req.URL.Host && r.isOfAnother(may.from, strings.ToLower(next.Host)):
		return nil, errOtherList
	}
	ctx := r.ctx
	if !isPrivateHost(req.URL) {
		proxied := isProxied(next) // a proxy is dialled wherever it is
		if isPrivateHost(next) || proxied && mayBePrivate(next) {
			return nil, errPrivate
		}
		if !proxied {
			ctx = onlyPublic(ctx)
		}
	}
	req = req.WithContext(ctx)
	req.URL, req.Host = next, next.Host
	return req, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// target returns the URL that a Location leads to. The error is errBadLocation
// where that is not one of the web.
func target(from *url.URL, location string) (*url.URL, error) {
	if len(location) > maxLocation {
		return nil, errBadLocation
	}
	to, err := from.Parse(location)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" {
		return nil, errBadLocation
	}
	return to, nil
}

// origin returns the scheme, host and port of a URL in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	if port == "80" && u.Scheme == "http" || port == "443" && u.Scheme == "https" {
		port = u.Scheme
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
