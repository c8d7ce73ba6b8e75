package httpapi

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"aggregator"
	"aggregator/internal/engine"
	"aggregator/ratelimit"
	"aggregator/shares"
	"aggregator/strictyaml"
	"aggregator/web"
)

// HandlerOptions say how a handler of NewHandler works. All of them are optional.
type HandlerOptions struct {
	BasePath       string         // before every path, such as "/botlists"; "": none
	TrustedProxies []netip.Prefix // peers that are believed whose request they pass on; nil: none
	ClientIPHeader string         // in which these send the caller's address; "": X-Forwarded-For
	NetworkLimit   ratelimit.Rate // how often one network (an IPv4 address, an IPv6 /64) may post and read at all; the zero value: as often as it likes
	MaxRequests    int64          // that are worked on at a time, of which one network has a quarter at most; 0: no bound
	Version        string         // told by /api/health?verbose; "": "dev"
	Log            *slog.Logger   // hears of each request, and of what goes wrong; nil: nobody does
}

// NewHandler returns a handler of the API over an Aggregator: counts, reports of
// shards, readings and lookups, badges, vote checks, the catalog, health, and the
// description of the API. Those who ask have the limits of the Aggregator's Options,
// each by its address. Pages for people, metrics, webhooks and the operator's own
// bots are the service's alone.
//
// When the Aggregator is closed, requests under way are answered, and all others
// with 503. NewHandler panics if o.BasePath is no path.
func NewHandler(a *aggregator.Aggregator, o HandlerOptions) http.Handler {
	base := strings.TrimSuffix(o.BasePath, "/")
	if err := web.CheckBasePath(base); err != nil {
		panic("httpapi: BasePath: " + err.Error())
	}
	openAPI, err := DescribeAPI()
	if err != nil {
		panic("httpapi: " + err.Error()) // it is built in, and tests read it
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	e := a.Engine()
	status := StatusOf(e)
	if o.MaxRequests > 0 {
		status.Requests = shares.New(shares.Options{Capacity: o.MaxRequests, MaxWaiting: maxWaitingRequests, MaxWait: engine.MaxWait})
	}
	s := New(Config{
		Aggregator: e.Aggregator, Catalog: e.Catalog, Log: log, Build: Build{Version: cmp.Or(o.Version, "dev")}, Status: status,
		TrustedProxies: o.TrustedProxies, ClientIPHeader: cmp.Or(o.ClientIPHeader, "X-Forwarded-For"), BasePath: base,
		Requests: status.Requests, Memory: status.Memory, OpenAPI: openAPI,
		NetworkLimit: e.LocalLimiter(o.NetworkLimit), BadgeLimit: e.Limiter(NewBadges),
	})
	e.OnClose(s.StopServing)
	return s
}

// maxWaitingRequests bounds the requests that wait for their turn.
const maxWaitingRequests = 2048

// DescribeAPI returns the description of the API, which is built in.
func DescribeAPI() (OpenAPI, error) {
	asJSON, err := strictyaml.JSON(strictyaml.File{Name: "openapi.yaml", Data: aggregator.OpenAPIYAML})
	return OpenAPI{YAML: aggregator.OpenAPIYAML, JSON: asJSON}, err
}
