package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/catalog"
)

// lists answers GET /api/lists.
func (s *Server) lists(c echo.Context) error {
	if c.QueryParam("filter") == "true" {
		return s.answerStatic(c, s.Catalog.Current(), "filtered", (*catalog.Catalog).FilteredJSON)
	}
	return s.answerStatic(c, s.Catalog.Current(), "lists", (*catalog.Catalog).ListsJSON)
}

// list answers GET /api/lists/:id.
func (s *Server) list(c echo.Context) error {
	current := s.Catalog.Current()
	list, ok := current.List(param(c, "id"))
	if !ok {
		return errListNotFound
	}
	return s.answerStatic(c, current, "list "+list.ID, func(c *catalog.Catalog) []byte {
		body, _ := c.ListJSON(list.ID)
		return body
	})
}

// legacyIDs answers GET /api/legacy-ids.
func (s *Server) legacyIDs(c echo.Context) error {
	return s.answerStatic(c, s.Catalog.Current(), "legacy", (*catalog.Catalog).LegacyJSON)
}

// static is a body that changes with the catalog alone.
type static struct {
	body, gzip []byte
	etag       string
}

// staticCache holds the bodies made of one catalog: as many as it has lists,
// and three more.
type staticCache struct {
	mu         sync.Mutex
	generation uint64
	bodies     map[string]static
}

func (s *staticCache) get(c *catalog.Catalog, name string, body func(*catalog.Catalog) []byte) static {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies == nil || s.generation != c.Generation() {
		s.generation, s.bodies = c.Generation(), map[string]static{}
	}
	b, ok := s.bodies[name]
	if !ok {
		b = newStatic(body(c))
		s.bodies[name] = b
	}
	return b
}

func newStatic(body []byte) static {
	sum := sha256.Sum256(body)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return static{body: body, gzip: packed.Bytes(), etag: base64.RawURLEncoding.EncodeToString(sum[:12])}
}

// answerStatic sends a body of the catalog, gzipped where the caller takes
// that, and not at all where the caller has it.
func (s *Server) answerStatic(c echo.Context, from *catalog.Catalog, name string, of func(*catalog.Catalog) []byte) error {
	b := s.static.get(from, name, of)
	h := c.Response().Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache") // ask again, and hear 304
	h.Add("Vary", "Accept-Encoding")
	body, etag := b.body, `"`+b.etag+`"`
	if takesGzip(c.Request().Header.Values("Accept-Encoding")) {
		body, etag = b.gzip, `"`+b.etag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	h.Set("ETag", etag)
	c.Request().Header.Del("Range") // the answer is small, and whole
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
	return nil
}

// takesGzip reports whether an Accept-Encoding allows gzip.
func takesGzip(values []string) bool {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		q, isQ := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		if weight, err := strconv.ParseFloat(q, 64); isQ && err == nil && weight == 0 {
			return false
		}
		return true
	}
	return false
}
