package browsertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"aggregator/internal/testkit"
)

// TestSearch types into the index of lists, filters it, and goes back.
func TestSearch(t *testing.T) {
	w := newWorld(t)
	b := w.newTab(t)
	b.open("/lists")
	b.want("no button is needed", "document.querySelector('#filter button').offsetHeight === 0")
	all := value[int](b, "document.querySelectorAll('.card').length")
	name := w.read()[0].Name
	b.do(chromedp.SendKeys(chromedp.ID("q"), name))
	b.await(fmt.Sprintf("new URLSearchParams(location.search).get('q') === %q", name))
	b.await(fmt.Sprintf("document.querySelectorAll('.card').length < %d && document.getElementById('found').textContent.startsWith('1 of ')", all))
	b.want("the list that was searched for", fmt.Sprintf("document.querySelector('.card bdi').textContent === %q", name))
	b.want("typing leaves no trail", "history.length === 2")

	b.do(chromedp.Click(chromedp.CSS("input[name=can]")))
	b.await("new URLSearchParams(location.search).get('can')")
	b.want("a filter that is chosen is a step", "history.length === 3")
	b.do(chromedp.NavigateBack())
	b.await(fmt.Sprintf("!location.search.includes('can=') && document.getElementById('q').value === %q && document.querySelectorAll('.card').length === 1", name))
	b.want("the way back unticks the box", "!document.querySelector('input[name=can]').checked")

	b.open("/lists?q=no+list+is+like+this")
	b.want("an empty result says so", "!document.getElementById('none').hidden && document.querySelectorAll('.card').length === 0")
	b.open("/lists?can=reads&sort=newest")
	b.want("the URL fills the form", "document.querySelector('input[value=reads]').checked && document.getElementById('sort').value === 'newest'")
	b.want("the URL filters", fmt.Sprintf("document.querySelectorAll('.card').length < %d", all))
	b.still()
}

// TestSearchWithoutScripts filters by sending the form.
func TestSearchWithoutScripts(t *testing.T) {
	w := newWorld(t)
	b := w.newTab(t)
	b.noScripts()
	b.open("/lists")
	name := w.read()[0].Name
	b.do(chromedp.SendKeys(chromedp.ID("q"), name+kb.Enter))
	b.await(fmt.Sprintf("location.search.includes('q=') && document.querySelectorAll('.card').length === 1 && document.querySelector('.card bdi').textContent === %q", name))
	b.want("the form keeps what was typed", fmt.Sprintf("document.getElementById('q').value === %q", name))
	b.want("there is a button", "document.querySelector('#filter button').offsetHeight > 0")
}

// TestListPage reads the page of a list, and copies what it is sent.
func TestListPage(t *testing.T) {
	w := newWorld(t)
	w.trouble(t)
	b := w.newTab(t)
	l := w.read()[0]
	b.open("/lists/" + l.ID)
	for _, want := range []string{l.Name, l.ID, "What this service sends it", "***", "Hour by hour", "Down"} {
		if text := b.text("main"); !strings.Contains(text, want) {
			t.Errorf("the page of a list does not say %q: %s", want, text)
		}
	}
	b.want("all its links lead to the web", "[...document.querySelectorAll('main a')].every((a) => /^https?:$/.test(a.protocol))")
	b.want("what leads elsewhere vouches for nothing", "[...document.querySelectorAll('main a')].filter((a) => a.host !== location.host).every((a) => a.rel === 'nofollow noopener noreferrer')")
	b.do(chromedp.Click(chromedp.CSS(".copy")))
	b.await("['Copied', 'Not copied'].includes(document.querySelector('.copy').textContent)")
	b.do(chromedp.Click(chromedp.CSS("summary")))
	b.want("the bars stand there in words", "document.querySelector('details table').offsetHeight > 0")
	b.still()
}

// TestLookup looks a bot up while a list keeps it waiting.
func TestLookup(t *testing.T) {
	w := newWorld(t)
	w.trouble(t)
	slow := w.read()[4]
	release := make(chan struct{})
	w.on(slow, func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			w.sandbox(rw, r)
		case <-r.Context().Done():
		}
	})
	b := w.newTab(t)
	b.open("/")
	b.do(chromedp.SendKeys(chromedp.ID("bot"), " "+someBot+" "))
	clicked := make(chan struct{})
	go func() { // the page is whole only when the last list has answered
		defer close(clicked)
		ctx, end := b.patient()
		defer end()
		_ = chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter))
	}()
	b.await("location.pathname === '/bots/" + someBot + "' && document.querySelectorAll('.reading.found').length > 2")
	b.want("a slow list is waited for", fmt.Sprintf("!document.getElementById('list-%s') && document.readyState === 'loading'", slow.ID))
	height := value[float64](b, "document.getElementById('lookup').offsetHeight")
	close(release)
	b.await(fmt.Sprintf("document.querySelector('[id=\"list-%s\"].found')", slow.ID))
	b.await("document.readyState === 'complete' && document.getElementById('merged')")
	testkit.Receive(t, "the key", clicked)
	if now := value[float64](b, "document.getElementById('lookup').offsetHeight"); now != height {
		t.Errorf("the lookup was %.0f px high, and is %.0f now that all lists have answered", height, now)
	}
	b.want("the largest count", "document.querySelector('.merged strong').textContent === '1,200'")
	for list, state := range map[int]string{0: "silent", 1: "silent", 2: "silent", 3: "missing"} {
		b.want("what a list with a fault says", fmt.Sprintf("document.querySelector('[id=\"list-%s\"]').dataset.state === %q", w.read()[list].ID, state))
	}
	b.want("lists that are behind are marked", "document.querySelectorAll('.stale').length > 0")
	if tally := value[string](b, "document.getElementById('tally').textContent"); !strings.Contains(tally, "stale on ") || !strings.Contains(tally, "no answer from 3") {
		t.Errorf("the tally is %q", tally)
	}
	b.still()
	b.accessible(axe(t), "/bots/ID", `{resultTypes: ["violations"]}`)
}

// TestLookupWithoutScripts reads the same without JavaScript.
func TestLookupWithoutScripts(t *testing.T) {
	w := newWorld(t)
	w.trouble(t)
	b := w.newTab(t)
	b.noScripts()
	b.open("/bots")
	b.do(chromedp.SendKeys(chromedp.ID("bot"), someBot+kb.Enter))
	b.await("location.pathname === '/bots/" + someBot + "' && document.readyState === 'complete'")
	text := b.text("main")
	for _, want := range []string{"1,200 servers", "Found", "Not on it", "No answer", "Needs a key", "stale on "} {
		if !strings.Contains(text, want) {
			t.Errorf("without scripts the page does not say %q: %s", want, text)
		}
	}
}

// TestStatus reads how lists do after faults.
func TestStatus(t *testing.T) {
	w := newWorld(t)
	w.trouble(t)
	b := w.newTab(t)
	b.open("/status")
	down := w.read()[0]
	row := value[string](b, fmt.Sprintf("[...document.querySelectorAll('.status tbody tr')].find((r) => r.innerText.includes(%q)).innerText", down.ID))
	if !strings.Contains(row, "Down") || !strings.Contains(row, "503") {
		t.Errorf("the row of a list that answered 503 is %q", row)
	}
	if said := b.text(".outages"); !strings.Contains(said, down.ID) || !strings.Contains(said, "server error") {
		t.Errorf("what was down: %s", said)
	}
	b.size(360, 740)
	b.want("a phone shows each row as a card", "getComputedStyle(document.querySelector('.status tbody tr')).display === 'grid'")
	b.still()
}

// TestKeyboard goes through pages by the keyboard alone.
func TestKeyboard(t *testing.T) {
	w := newWorld(t)
	b := w.newTab(t)
	b.scheme("light")
	b.open("/lists")
	b.do(chromedp.KeyEvent(kb.Tab))
	b.want("the first stop is the way past the navigation", "document.activeElement.className === 'skip'")
	b.want("it can be seen", "document.activeElement.getBoundingClientRect().top >= 0")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await("document.activeElement.id === 'main'")
	var order []string
	for range 14 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if !value[bool](b, focusShows) {
			t.Errorf("no focus is seen on %s", value[string](b, "document.activeElement.outerHTML"))
		}
		order = append(order, value[string](b, "document.activeElement.name || document.activeElement.getAttribute('href')"))
	}
	if got, want := strings.Join(order, " "), "/lists /lists/defunct /lists/hidden q can can can can can can feature language sort "; !strings.HasPrefix(got, want) {
		t.Errorf("tab goes through %s, want %s…", got, want)
	}
	b.still()
}

// focusShows tells whether the focused element has an outline, and nothing covers it.
const focusShows = `(() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return parseFloat(getComputedStyle(e).outlineWidth) >= 2 && (e.contains(top) || top.contains(e));
})()`

// TestOwnBot shows an operator's bot, keeps its key for the tab, and forgets it.
func TestOwnBot(t *testing.T) {
	w := newWorld(t)
	testkit.Wait(t, "the program's own posts", func() bool {
		return strings.Count(testkit.Send(t, "GET", w.Base+"/api/bots/"+ownBot+"/posts", "", "Authorization", "Bearer "+ownKey).Body, `"state":"ok"`) == 4
	})
	b := w.newTab(t)
	b.open("/own")
	b.do(chromedp.SendKeys(chromedp.ID("own-id"), ownBot), chromedp.SendKeys(chromedp.ID("own-key"), "a wrong key of some length"+kb.Enter))
	b.await("/key/i.test(document.getElementById('own-said').textContent)")
	b.want("a wrong key shows nothing", "document.getElementById('own-posts').hidden")
	b.forgive("401")
	value[string](b, "document.getElementById('own-key').value = ''")
	b.do(chromedp.SendKeys(chromedp.ID("own-key"), ownKey), chromedp.Click(chromedp.ID("own-keep")), chromedp.SendKeys(chromedp.ID("own-key"), kb.Enter))
	b.await("document.querySelectorAll('#own-posts tbody tr').length === 4")
	if said := b.text("#own-posts"); !strings.Contains(said, w.read()[0].ID) || !strings.Contains(said, "1,234") {
		t.Errorf("the posts: %s", said)
	}
	b.accessible(axe(t), "/own with a bot", `{resultTypes: ["violations"]}`)
	b.want("the key stands in no address", "!location.href.includes('key')")
	b.open("/own")
	b.await("document.querySelectorAll('#own-posts tbody tr').length === 4") // kept for this tab
	b.do(chromedp.Click(chromedp.ID("own-forget")))
	b.await("document.getElementById('own-posts').hidden")
	b.want("nothing of the key is left", "sessionStorage.length === 0 && localStorage.length === 0 && document.cookie === '' && document.getElementById('own-key').value === ''")
	b.open("/own")
	b.want("a key that was forgotten is asked for", "document.getElementById('own-key').value === '' && document.getElementById('own-posts').hidden")

	b = w.newTab(t)
	b.noScripts()
	b.open("/own")
	if text := b.text("main"); !strings.Contains(text, "needs JavaScript") || !strings.Contains(text, "curl -H") || strings.Contains(text, "Its key") {
		t.Errorf("without scripts: %s", text)
	}
}

// TestDryRun tries a post from the reference of the API, in which nothing is sent.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	b := w.newTab(t)
	b.open("/docs")
	b.do(chromedp.Click(chromedp.CSS("#dryrun button")))
	b.await("document.getElementById('dried').innerText.startsWith('200')")
	b.want("tokens are masked", "document.getElementById('dried').innerText.includes('***')")
	b.still()
}
