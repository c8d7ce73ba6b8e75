package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// exposedHeaders are those that pages of other origins may read.
const exposedHeaders = "Retry-After, X-Rate-Limit-Reset, X-Rate-Limit-Method, X-Rate-Limit-Route, X-Rate-Limit-IP, X-Rate-Limit-Bot-ID, RateLimit-Policy, RateLimit, ETag, Age, X-Request-Id"

// commonHeaders are those that every answer carries: any page may read the API.
var commonHeaders = fixedHeaders{
	{"Access-Control-Allow-Origin", []string{"*"}},
	{"Access-Control-Expose-Headers", []string{exposedHeaders}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	{"Referrer-Policy", []string{"no-referrer"}},
}

// fixedHeaders are headers of many answers, made once. Their names are in
// canonical form.
type fixedHeaders []struct {
	name  string
	value []string
}

func (f fixedHeaders) set(h http.Header) {
	for i := range f {
		h[f[i].name] = f[i].value
	}
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
