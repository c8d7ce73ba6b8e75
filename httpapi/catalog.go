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
	list, ok := current.List(pathID(c))
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

// static is a body that changes with the catalog alone, or with time, in the two
// ways in which it is sent.
type static struct{ plain, gzip representation }

// representation is a body with the headers that go with it.
type representation struct {
	body   []byte
	header fixedHeaders
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

func newStatic(body []byte) static { return newStaticOf("application/json", body) }

// newStaticOf is newStatic for a body that is not JSON.
func newStaticOf(kind string, body []byte) static {
	sum := sha256.Sum256(body)
	etag := base64.RawURLEncoding.EncodeToString(sum[:12])
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // which is a level there is
	_, _ = w.Write(body)                                       // a buffer takes everything
	_ = w.Close()
	s := static{newRepresentation(kind, body, etag), newRepresentation(kind, bytes.Clone(packed.Bytes()), etag+"-gzip")}
	s.gzip.header = append(s.gzip.header, fixedHeaders{{"Content-Encoding", []string{"gzip"}}}...)
	return s
}

func newRepresentation(kind string, body []byte, etag string) representation {
	return representation{body, fixedHeaders{
		{"Content-Type", []string{kind}},
		{"Content-Length", []string{strconv.Itoa(len(body))}},
		{"Cache-Control", []string{"no-cache"}}, // ask again, and hear 304
		{"Vary", []string{"Accept-Encoding"}},
		{"Etag", []string{`"` + etag + `"`}},
	}}
}

// answerStatic sends a body of the catalog.
func (s *Server) answerStatic(c echo.Context, from *catalog.Catalog, name string, of func(*catalog.Catalog) []byte) error {
	return answerKept(c, s.static.get(from, name, of))
}

// answerKept sends a body that is kept, gzipped where the caller takes that, and
// not at all where the caller has it.
func answerKept(c echo.Context, all static) error {
	r, w := &all.plain, c.Response()
	if takesGzip(c.Request().Header.Values("Accept-Encoding")) {
		r = &all.gzip
	}
	r.header.set(w.Header())
	if isConditional(c.Request().Header) {
		c.Request().Header.Del("Range") // the answer is small, and whole
		http.ServeContent(w, c.Request(), "", time.Time{}, bytes.NewReader(r.body))
		return nil
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(r.body)
	return err
}

// isConditional reports whether a request says in which case it wants an answer.
func isConditional(h http.Header) bool {
	for _, name := range []string{"If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if _, is := h[name]; is {
			return true
		}
	}
	return false
}

// takesGzip reports whether an Accept-Encoding allows gzip.
func takesGzip(values []string) bool {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		q, isQ := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		if !isQ {
			return true
		}
		weight, err := strconv.ParseFloat(q, 64)
		return err != nil || weight != 0
	}
	return false
}
