package httpapi

import (
	"maps"
	"net/http"

	"github.com/labstack/echo/v4"
)

// exposedHeaders are those that pages of other origins may read.
const exposedHeaders = "Retry-After, X-Rate-Limit-Reset, X-Rate-Limit-Method, X-Rate-Limit-Route, X-Rate-Limit-IP, X-Rate-Limit-Bot-ID, RateLimit-Policy, RateLimit, ETag, Age, X-Request-Id"

// commonHeaders are those that every answer carries: any page may read the API.
var commonHeaders = http.Header{
	"Access-Control-Allow-Origin":   {"*"},
	"Access-Control-Expose-Headers": {exposedHeaders},
	"X-Content-Type-Options":        {"nosniff"},
	"Content-Security-Policy":       {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":               {"no-referrer"},
}

// setHeaders sets what every answer carries.
func setHeaders(h http.Header, id string) {
	maps.Copy(h, commonHeaders)
	h[requestIDHeader] = []string{id}
}

// preflight answers browsers that ask whether a page may send a request.
func preflight(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			return next(c)
		}
		h := c.Response().Header()
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
		h.Set("Access-Control-Max-Age", "86400")
		return c.NoContent(http.StatusNoContent)
	}
}
