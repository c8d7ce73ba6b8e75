package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"aggregator/internal/testkit"
)

// tab is a tab of the browser, with storage of its own. What a page must never do
// in it fails the test: an error on the console, a breach of the Content Security
// Policy, a request to another host.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string
}

// watch keeps how much the layout has shifted in the page, and what broke the policy.
// A shift of less than a ten-thousandth is the rounding of a layout that waits for its
// font, and no one sees it.
const watch = `window.shifts = []; window.breaches = [];
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) {
    if (!e.hadRecentInput && e.value >= 0.0001) shifts.push(e.value.toFixed(4) + " " + e.sources.map((s) => s.node ? (s.node.id || s.node.className || s.node.nodeName) : "?").join(", "));
  }
}).observe({type: "layout-shift", buffered: true});
document.addEventListener("securitypolicyviolation", (e) => breaches.push(e.violatedDirective + " " + e.blockedURI));`

// newTab opens a tab, which closes with the test.
func (w *world) newTab(t *testing.T) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	b := &tab{t: t, ctx: ctx, base: w.Base}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.size(1280, 900)
	t.Cleanup(b.check)
	return b
}

// hear takes the events of the tab.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != b.base {
			b.problem("a request to " + e.Request.URL)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.problem(fmt.Sprintf("console: %s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			said, _ := json.Marshal(e.Args)
			b.problem(fmt.Sprintf("console.%s: %s", e.Type, said))
		}
	case *runtime.EventExceptionThrown:
		b.problem("exception: " + e.ExceptionDetails.Text)
	}
}

func (b *tab) problem(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, text)
}

// check fails the test for what went wrong since the last check.
func (b *tab) check() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Error(p)
	}
	b.problems = nil
}

// forgive forgets what went wrong since the last check if it holds text, for what
// is meant to go wrong.
func (b *tab) forgive(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var left []string
	for _, p := range b.problems {
		if !strings.Contains(p, text) {
			left = append(left, p)
		}
	}
	b.problems = left
}

// patient returns the context of one step.
func (b *tab) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, 2*testkit.Patience)
}

// do takes steps in the browser.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := b.patient()
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// call runs a command of the protocol.
func call[P, R any](b *tab, cmd cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, end := b.patient()
	defer end()
	r, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// open opens a page of the program.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// size makes the window so large, in CSS pixels.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// scheme makes the system wish for "light" or "dark".
func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// noScripts turns JavaScript off for pages that are opened from now on.
func (b *tab) noScripts() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// value returns the value of an expression, in which a promise is awaited.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := tryValue[T](b, expression)
	if err != nil {
		b.t.Fatalf("%.300s: %v", expression, err)
	}
	return v
}

func tryValue[T any](b *tab, expression string) (T, error) {
	ctx, end := b.patient()
	defer end()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// await waits until an expression is true, in whatever page is shown by then.
func (b *tab) await(expression string) {
	b.t.Helper()
	for end := time.Now().Add(testkit.Patience); ; time.Sleep(20 * time.Millisecond) {
		holds, err := tryValue[bool](b, "!!("+expression+")")
		if holds {
			return
		}
		if time.Now().After(end) {
			text, _ := tryValue[string](b, "location.href + '\\n' + document.body.innerText")
			b.t.Fatalf("after %s still: waiting for %s (%v) on %.3000s", testkit.Patience, expression, err, text)
		}
	}
}

// want fails the test unless an expression is true.
func (b *tab) want(what, expression string) {
	b.t.Helper()
	if !value[bool](b, "!!("+expression+")") {
		b.t.Errorf("%s: %s does not hold on %s", what, expression, value[string](b, "location.href"))
	}
}

// text returns the text of an element as it is shown.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return value[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

// still fails the test if the layout of the page has shifted by itself, or if the
// page has broken its policy.
func (b *tab) still() {
	b.t.Helper()
	// A frame later everything that has shifted has been reported.
	value[bool](b, "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
	where := value[string](b, "location.pathname")
	if shifts := value[[]string](b, "shifts"); len(shifts) > 0 {
		b.t.Errorf("%s shifts: %q", where, shifts)
	}
	if breaches := value[[]string](b, "breaches"); len(breaches) > 0 {
		b.t.Errorf("%s breaks its policy: %q", where, breaches)
	}
}
