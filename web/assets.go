package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assetsPath is where assets are; the name of each holds a hash of what it is,
// so that browsers may keep it for ever.
const assetsPath = "/assets/"

// assets are the stylesheet, the script and the pictures of the pages.
type assets struct {
	urls   map[string]string // by file name, with the base path
	byName map[string]asset  // by name with its hash
}

type asset struct {
	kind         string
	body, packed []byte // as it is, and with gzip; nil where that is not smaller
}

// assetKinds are the media types of assets. Those of package mime depend on the
// machine, and take half a megabyte where it has a list of them.
var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// loadAssets reads the assets that are built in.
func loadAssets(basePath string) assets {
	a := assets{map[string]string{}, map[string]asset{}}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		body, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:5]) + ext
		kind, ok := assetKinds[ext]
		if !ok {
			panic("no media type for " + f.Name())
		}
		one := asset{kind: kind, body: body}
		if packed := pack(body); len(packed) < len(body) {
			one.packed = packed
		}
		a.byName[name] = one
		a.urls[f.Name()] = basePath + assetsPath + name
	}
	return a
}

// pack compresses a body with gzip.
func pack(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // which is a level there is
	_, _ = w.Write(body)                                  // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// url returns the address of an asset. It is an error to ask for one that there
// is none of.
func (a assets) url(name string) (string, error) {
	if u, ok := a.urls[name]; ok {
		return u, nil
	}
	return "", fmt.Errorf("no asset %q", name)
}

// ServeHTTP implements http.Handler.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one, ok := a.byName[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", one.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	writePacked(w, r, http.StatusOK, one.body, one.packed)
}
