package httpapi

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/catalog"
)

// verboseHealth is the answer to /api/health?verbose.
type verboseHealth struct {
	Status           string         `json:"status"` // "ok", "degraded" or "shutting down"
	Version          string         `json:"version"`
	Uptime           int64          `json:"uptime_s"`
	Catalog          catalog.Counts `json:"catalog"`
	Store            StoreHealth    `json:"store"`
	Lists            *listsHealth   `json:"lists,omitempty"`
	Breakers         []Breaker      `json:"breakers"` // those that are not closed
	RequestsInFlight int64          `json:"requests_in_flight"`
	CallsInFlight    int            `json:"calls_in_flight"`
}

// StoreHealth is how the store is.
type StoreHealth struct {
	OK      bool      `json:"ok"`
	State   string    `json:"state"`             // a word of a closed set: "ok", "full", "away" and the like
	Since   time.Time `json:"since,omitzero"`    // of the state; not for "ok"
	Trouble string    `json:"trouble,omitempty"` // what it means, in plain words
}

// health answers GET /api/health, with ?live and ?verbose.
func (s *Server) health(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store, no-cache, must-revalidate, proxy-revalidate")
	status, text := http.StatusOK, "OK"
	live := c.QueryParams().Has("live") // whether the process lives, and not whether it should be sent requests
	if s.draining.Load() && !live {
		status, text = http.StatusServiceUnavailable, "Shutting down"
	}
	if c.QueryParams().Has("verbose") {
		body, err := json.Marshal(s.verboseHealth())
		if err != nil {
			return err
		}
		return answerJSON(c, status, body)
	}
	h.Set("Content-Type", "text/plain")
	c.Response().WriteHeader(status)
	_, err := io.WriteString(c.Response(), text)
	return err
}

func (s *Server) verboseHealth() verboseHealth {
	v := verboseHealth{
		Status: "ok", Version: s.Build.Version, Uptime: int64(s.now().Sub(s.started) / time.Second),
		Catalog: s.Catalog.Current().Counts(), Store: s.Status.StoreHealth(), Lists: s.summary(),
		Breakers: s.Status.Breakers(), RequestsInFlight: s.busy.Load(), CallsInFlight: s.Status.CallsInFlight(),
	}
	if v.Breakers == nil {
		v.Breakers = []Breaker{}
	}
	if !v.Store.OK {
		v.Status = "degraded"
	}
	if s.draining.Load() {
		v.Status = "shutting down"
	}
	return v
}
