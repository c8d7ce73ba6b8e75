package browsertest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

//go:embed testdata/axe-core/axe.min.js.gz
var axePacked []byte

// axeSum is the SHA-256 of axe.min.js of axe-core 4.14.1, as the npm registry has it.
const axeSum = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

// axe returns the checker of accessibility that pages are held to. It is run in
// pages by the browser's debugger, and served by nobody.
func axe(t *testing.T) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(axePacked))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != axeSum {
		t.Fatalf("testdata/axe-core has the SHA-256 %x, want %s", sum, axeSum)
	}
	return string(raw)
}

// finding is what axe found.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	}
}

// accessible fails the test for what axe finds serious on the page, and notes the
// rest. options are those of axe.run, as JSON.
func (b *tab) accessible(axe, what, options string) {
	b.t.Helper()
	for _, f := range b.findings(axe, options) {
		text := fmt.Sprintf("%s: axe: %s (%s): %s", what, f.ID, f.Impact, f.Help)
		for _, n := range f.Nodes[:min(len(f.Nodes), 3)] {
			text += fmt.Sprintf("\n\t%.300s\n\t%.300s", n.HTML, n.Summary)
		}
		if f.Impact == "serious" || f.Impact == "critical" {
			b.t.Error(text)
		} else {
			b.t.Log(text)
		}
	}
}

// findings returns what axe finds on the page.
func (b *tab) findings(axe, options string) []finding {
	b.t.Helper()
	value[bool](b, "if (!window.axe) {"+axe+"\n}\ntrue")
	var found []finding
	raw := value[string](b, "axe.run(document, "+options+").then((r) => JSON.stringify(r.violations))")
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		b.t.Fatal(err)
	}
	return found
}

// somePages returns a path of every page.
func (w *world) somePages() []string {
	readable := w.read()
	return []string{
		"/", "/lists", "/lists/defunct", "/lists/hidden", "/lists/" + readable[0].ID, w.widgetPage(), "/features", "/features?has=" + w.catalog.Features()[0].ID,
		"/features/" + w.catalog.Features()[0].ID, "/bots", "/bots?id=x", "/bots/" + someBot, "/status", "/own", "/docs", "/docs?lang=python", "/docs/libraries", "/docs/clients", "/docs/dialect", "/docs/votes", "/docs/reports", "/docs/own-bots", "/docs/why", "/docs/badge", "/nowhere",
	}
}

// widgetPage returns the path of a list's page with a widget that lacks the list's
// number of the bot.
func (w *world) widgetPage() string {
	all := w.catalog.Lists()
	i := slices.IndexFunc(all, func(l *lists.List) bool { return !l.Defunct && l.Widget() != nil && l.Widget().NeedsListBotID() })
	return "/lists/" + all[i].ID + "?bot=" + someBot + "&number=x"
}

const someBot = "100000000000000001"

// TestEveryPage holds what is true of every page, after some posts and faults.
func TestEveryPage(t *testing.T) {
	w := newWorld(t)
	w.trouble(t)
	axe := axe(t)
	b := w.newTab(t)
	for _, path := range w.somePages() {
		b.scheme("light")
		b.size(1280, 900)
		b.open(path)
		b.await("document.readyState === 'complete'")
		b.still()
		b.accessible(axe, path, `{resultTypes: ["violations"]}`)
		light := value[string](b, "getComputedStyle(document.body).backgroundColor")
		b.scheme("dark")
		if dark := value[string](b, "getComputedStyle(document.body).backgroundColor"); dark == light {
			t.Errorf("%s is as light in the dark: %s", path, dark)
		}
		b.accessible(axe, path+" in the dark", `{resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}}`)
		for _, width := range []int64{320, 360} {
			b.size(width, 740)
			if wide := value[int64](b, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%s is %d px wide in a window of %d: %s", path, wide, width, value[string](b, widest))
			}
		}
		b.accessible(axe, path+" on a phone", `{resultTypes: ["violations"], runOnly: {type: "rule", values: ["target-size", "scrollable-region-focusable", "meta-viewport"]}}`)
		switch path {
		case "/nowhere":
			b.forgive("404")
		case "/bots?id=x":
			b.forgive("400")
		}
		b.check()
	}
	value[bool](b, "document.querySelector('main').append(document.createElement('input')), true")
	if found := b.findings(axe, `{resultTypes: ["violations"]}`); len(found) == 0 || found[0].ID != "label" {
		t.Errorf("axe finds no fault with an input that has no label: %+v", found)
	}
}

// widest names what is too wide for the window.
const widest = `[...document.querySelectorAll("main *, header *, footer *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("pre, .scroll"))
  .slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join("\n")`

// trouble has lists take counts and answer readings, and some of them fail.
func (w *world) trouble(t *testing.T) {
	t.Helper()
	all := w.read()
	t.Logf("%d lists", len(all))
	if taken := w.post(t, someBot, 1200, all[:len(all)/2]...); taken != len(all)/2 {
		t.Fatalf("%d of %d lists took a count", taken, len(all)/2)
	}
	w.post(t, someBot, 1000, all[len(all)/2:]...)
	w.on(all[0], testkit.Say(503, "text/html", "<html>maintenance"))
	w.on(all[1], testkit.Reset)
	w.on(all[2], testkit.Say(200, "text/html", "<html>a page"))
	w.on(all[3], testkit.Say(404, "application/json", `{}`))
	for range 3 {
		w.post(t, "100000000000000002", 7, all[0], all[1])
	}
}
