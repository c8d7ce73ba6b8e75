package web

import (
	"bytes"
	"context"
	"encoding/xml"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"aggregator/lists"
)

// Icons is the operation of fetching the icon of a list. It is asked of hosts of
// pictures, without a key.
var Icons = lists.Op{Name: "icons", One: "icon", Timeout: 5 * time.Second, MaxAnswer: 256 << 10, FollowsRedirects: true}

const (
	iconFresh       = 24 * time.Hour // how long a picture is used
	failedIconFresh = time.Hour      // how long it is not asked for again
	iconPatience    = time.Second    // how long a reader waits for it; then there is a letter
	maxIconBytes    = 16 << 20       // of all pictures together
	maxIconFetches  = 4              // at once
)

// icons keeps the pictures of lists, so that no reader's address reaches a list.
type icons struct {
	fetch func(context.Context, lists.Op, lists.Request) lists.Answer // nil: none is fetched
	agent string
	now   func() time.Time
	slots chan struct{}

	mu    sync.Mutex
	byURL map[string]*icon
	bytes int
}

// icon is the picture of a URL, or that there is none.
type icon struct {
	done chan struct{} // closed once the rest is known
	body []byte        // nil: there is none
	kind string
	at   time.Time
}

func newIcons(c Config) *icons {
	return &icons{fetch: c.Fetch, agent: c.UserAgent, now: c.Now, slots: make(chan struct{}, maxIconFetches), byURL: map[string]*icon{}}
}

// of returns the picture of a URL; nil if there is none, or none yet. What is
// being fetched when the context ends is there for the next reader.
func (i *icons) of(ctx context.Context, url string) *icon {
	if i.fetch == nil || link(url) == "" {
		return nil
	}
	i.mu.Lock()
	one := i.byURL[url]
	if one == nil || one.stale(i.now()) {
		i.forgetStale()
		one = &icon{done: make(chan struct{})}
		i.byURL[url] = one
		go i.fill(context.WithoutCancel(ctx), url, one) // ends with the deadline of its operation
	}
	i.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, iconPatience)
	defer cancel()
	select {
	case <-one.done:
	case <-ctx.Done():
		return nil
	}
	if one.body == nil {
		return nil
	}
	return one
}

// stale reports whether an icon is to be asked for again.
func (i *icon) stale(now time.Time) bool {
	select {
	case <-i.done:
	default:
		return false
	}
	fresh := iconFresh
	if i.body == nil {
		fresh = failedIconFresh
	}
	return now.Sub(i.at) >= fresh
}

// forgetStale drops what would be asked for again, which a catalog that was
// reloaded may no longer name. The mutex is held.
func (i *icons) forgetStale() {
	now := i.now()
	for url, old := range i.byURL {
		if old.stale(now) {
			i.bytes -= len(old.body)
			delete(i.byURL, url)
		}
	}
}

// fill fetches a picture.
func (i *icons) fill(ctx context.Context, url string, one *icon) {
	defer close(one.done)
	i.slots <- struct{}{}
	defer func() { <-i.slots }()
	a := i.fetch(ctx, Icons, lists.Request{Method: http.MethodGet, URL: url, Header: []lists.Header{
		{Name: "Accept", Value: "image/*"}, {Name: "User-Agent", Value: i.agent},
	}})
	i.mu.Lock()
	defer i.mu.Unlock()
	one.at = i.now()
	kind := imageKind(a)
	if a.Status != http.StatusOK || kind == "" || i.bytes+len(a.Body) > maxIconBytes {
		return
	}
	one.body, one.kind = a.Body, kind
	i.bytes += len(a.Body)
}

// imageKind returns the media type of an answer that is a picture, judged by its
// bytes; "" for any other.
func imageKind(a lists.Answer) string {
	switch kind, _, _ := strings.Cut(http.DetectContentType(a.Body), ";"); kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/x-icon":
		return kind
	}
	if isSVG(a.Body) {
		return "image/svg+xml"
	}
	return ""
}

// isSVG reports whether a body is XML whose first element is svg.
func isSVG(body []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = nil
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local == "svg"
		}
	}
}

// icon answers with the picture of a list, or with its letter where there is
// none.
func (s *Site) icon(w http.ResponseWriter, r *http.Request) error {
	l, ok := s.Catalog.Current().List(r.PathValue("id"))
	if !ok {
		return errNotFound
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	body, kind, fresh := letter(l), "image/svg+xml", failedIconFresh
	if one := s.icons.of(r.Context(), l.Icon); one != nil {
		body, kind, fresh = one.body, one.kind, iconFresh
	}
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "max-age="+strconv.Itoa(int(fresh/time.Second)))
	writePacked(w, r, http.StatusOK, body, nil)
	return nil
}

// letter draws the first letter of a list's name, in a colour of its own.
func letter(l *lists.List) []byte {
	first := "?"
	for _, r := range l.Name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			first = string(unicode.ToUpper(r))
			break
		}
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(l.ID)) // never fails
	var b bytes.Buffer
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="40" height="40"><rect width="40" height="40" fill="hsl(`)
	b.WriteString(strconv.Itoa(int(hash.Sum32() % 360)))
	b.WriteString(` 45% 38%)"/><text x="20" y="27" text-anchor="middle" font-family="system-ui,sans-serif" font-size="20" font-weight="600" fill="#fff">`)
	_ = xml.EscapeText(&b, []byte(first)) // a buffer takes everything
	b.WriteString(`</text></svg>`)
	return b.Bytes()
}
