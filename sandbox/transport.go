package sandbox

import "net/http"

// Transport leads every request to the sandbox that listens on addr, over
// plain HTTP. The host that was asked goes along as the Host header.
func Transport(base http.RoundTripper, addr string) http.RoundTripper {
	return transport{base, addr}
}

type transport struct {
	base http.RoundTripper
	addr string
}

// RoundTrip leaves the request as it is: the caller may send it again.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	led, u := *r, *r.URL
	u.Scheme, u.Host = "http", t.addr
	led.URL = &u
	if led.Host == "" {
		led.Host = r.URL.Host
	}
	resp, err := t.base.RoundTrip(&led)
	if resp != nil {
		resp.Request = r // a relative redirect starts from where the caller was
	}
	return resp, err
}
