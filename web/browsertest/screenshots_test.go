package browsertest

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"aggregator/lists"
	"aggregator/store"
	"aggregator/store/sqlite"
)

// TestScreenshots takes a picture of every page, at a desk and on a phone, in the
// light and in the dark, into the folder that SCREENSHOTS names.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("SCREENSHOTS names no folder")
	}
	needBrowser(t)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "history.db")
	w := newWorld(t, "--store", "sqlite:"+db)
	w.Stop()
	w.pretend(t, db)
	w = newWorld(t, "--store", "sqlite:"+db, "--public-url", "https://lists.example", "--limit-bots", "off")
	w.trouble(t)
	b := w.newTab(t)
	for _, path := range w.somePages() {
		if only := os.Getenv("ONLY"); only != "" && !strings.HasPrefix(path, only) {
			continue
		}
		name := strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path), "-")
		if name == "" {
			name = "home"
		}
		b.size(1280, 900)
		b.open(path)
		b.await("document.readyState === 'complete'")
		for _, view := range []struct {
			name          string
			width, height int64
		}{{"desk", 1280, 900}, {"phone", 360, 740}} {
			b.size(view.width, view.height)
			for _, scheme := range []string{"light", "dark"} {
				b.scheme(scheme)
				b.picture(filepath.Join(dir, strings.Join([]string{name, view.name, scheme}, "-")+".png"), view.width, maxHeight)
			}
		}
	}
	for _, k := range kept(w) {
		b.size(k.width, k.height)
		b.scheme(k.scheme)
		b.open(k.path)
		b.await("document.readyState === 'complete'")
		b.picture(filepath.Join(dir, "kept-"+k.name+".png"), k.width, float64(k.height))
	}
	b.forgive("4") // pages that say what was wrong are among them
}

// keptPicture is a picture for docs.
type keptPicture struct {
	name, path, scheme string
	width, height      int64
}

// kept returns the pictures that stand in docs.
func kept(w *world) []keptPicture {
	return []keptPicture{
		{"home", "/", "light", 1080, 720},
		{"lists", "/lists", "light", 1080, 720},
		{"list", "/lists/" + w.read()[4].ID + "#health", "dark", 1080, 720},
		{"bot", "/bots/" + someBot, "light", 1080, 720},
		{"status", "/status", "light", 1080, 720},
		{"bot-phone", "/bots/" + someBot, "dark", 360, 740},
	}
}

// maxHeight bounds how much of a page is in its picture.
const maxHeight = 2400

// picture writes a picture of the page, from where it is scrolled to.
func (b *tab) picture(file string, width int64, height float64) {
	b.t.Helper()
	top := value[float64](b, "scrollY")
	height = min(value[float64](b, "document.documentElement.scrollHeight")-top, height)
	beyond := true
	shot := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Y: top, Width: float64(width), Height: height, Scale: 1},
	})
	if err := os.WriteFile(file, shot.Data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// pretend writes 90 days of calls into a store, and as many of a bot's servers.
func (w *world) pretend(t *testing.T, db string) {
	t.Helper()
	st, err := sqlite.Open(db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	for i, l := range w.read() {
		batch := store.OutcomeBatch{ID: store.NewHasher(st.Secret())("pretended", l.ID)}
		for ago := time.Duration(0); ago < 89*24*time.Hour; {
			at := store.Slots.Begin(now.Add(-ago - 5*time.Minute))
			e := store.OutcomeEntry{OutcomeID: store.OutcomeID{List: l.ID, Op: lists.Posts.Name}, Slot: at}
			e.Latest.Call, e.Latest.Success = at, at
			down := i == 4 && ago > 3*time.Hour && ago < 5*time.Hour || i > 4 && random.IntN(250) == 0
			for range 10 + random.IntN(20) {
				e.Tally[store.FigureCalls]++
				if down && random.IntN(4) > 0 {
					e.Tally.Fault(0, at.Add(time.Duration(1+random.IntN(240))*time.Second))
					e.Latest.Failure = store.Failure{At: at.Add(time.Second), Detail: "Timeout after 10s"}
					continue
				}
				e.Tally[store.FigureAnswers]++
				e.Tally[store.FigureSuccesses]++
				e.Tally.Took(time.Duration(60+random.IntN(200)+20*i) * time.Millisecond)
			}
			batch.Entries = append(batch.Entries, e)
			if ago < 26*time.Hour {
				ago += 15 * time.Minute
			} else {
				ago += 6 * time.Hour
			}
		}
		if err := st.Outcomes().Add(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	servers, bot := int64(780), store.NewHasher(st.Secret())("history", someBot)
	var counts []store.BotCount
	for hour := store.Hours.Begin(now).Add(-85 * 24 * time.Hour); hour.Before(now); hour = hour.Add(6 * time.Hour) {
		servers += int64(random.IntN(6)) - 1
		counts = append(counts, store.BotCount{Bot: bot, CountPoint: store.CountPoint{Hour: hour, Count: servers}})
	}
	if err := st.History().Put(t.Context(), counts...); err != nil {
		t.Fatal(err)
	}
}
