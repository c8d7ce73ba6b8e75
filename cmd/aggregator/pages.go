package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"aggregator"
	"aggregator/health"
	"aggregator/httpapi"
	"aggregator/web"
)

// pagesFlags are the flags of the pages for people, and of where the service is
// reached from outside.
type pagesFlags struct {
	basePath  string
	publicURL string
	noPages   bool
}

func (f *pagesFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&f.basePath, "base-path", "", "`PATH` before every other, such as /botlists, where a proxy shares the host")
	fs.StringVar(&f.publicURL, "public-url", "", "`URL` at which the service is reached from outside, such as https://lists.example; pages and messages name it")
	fs.BoolVar(&f.noPages, "no-pages", false, "serve the API alone, without pages for people")
}

func (f *pagesFlags) check() error {
	f.basePath = strings.TrimSuffix(f.basePath, "/")
	if err := web.CheckBasePath(f.basePath); err != nil {
		return usagef("--base-path: %w", err)
	}
	if f.publicURL == "" {
		return nil
	}
	u, err := url.Parse(f.publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return usagef("--public-url: want a URL such as https://lists.example")
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), f.basePath)
	if u.Path != "" {
		return usagef("--public-url: its path is given by --base-path")
	}
	f.publicURL = fmt.Sprintf("%s://%s", u.Scheme, u.Host)
	return nil
}

// pages returns what serves the pages; nil where there are to be none.
func (f *pagesFlags) pages(s *service, openAPI httpapi.OpenAPI) http.Handler {
	if f.noPages {
		return nil
	}
	return web.New(web.Config{Catalog: s.Catalog, Health: s.health, Aggregator: s.Aggregator, Caller: httpapi.CallerOf, OwnBots: s.agent != nil, Counts: countsOf(s.health), BasePath: f.basePath, PublicURL: f.publicURL, Version: thisBuild().Version, Log: s.Log,
		OpenAPI: openAPI.JSON, Guides: aggregator.Guides, Scheme: httpapi.SchemeOf,
		UserAgent: userAgent, Fetch: s.Client.Exchange})
}

// countsOf returns what tells pages how many servers bots were on over time.
func countsOf(how *health.Recorder) func(context.Context, string) ([]web.CountPoint, error) {
	return func(ctx context.Context, botID string) ([]web.CountPoint, error) {
		all, err := how.Counts(ctx, botID)
		points := make([]web.CountPoint, len(all))
		for i, p := range all {
			points[i] = web.CountPoint{At: p.Hour, Count: p.Count}
		}
		return points, err
	}
}
