// Package browsertest holds the pages to what people meet in a real browser: the
// built program over a sandbox of every list, in a headless Chromium.
package browsertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"aggregator/internal/testkit"
)

// folder is where TestMain lets the program be built and Chromium keep its profile.
var folder string

// chromium is the path of the browser; "" if there is none.
var chromium string

// browser is the context of the one browser of all tests.
var browser context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Only what is on loopback is asked, whatever proxy this machine has.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		_ = os.Unsetenv(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		fmt.Fprintln(os.Stderr, "WARNING: no Chromium, so the pages are NOT tested in a browser (.ci/setup chromium installs it on Debian)")
		if os.Getenv("CI") != "" {
			return 1
		}
		return m.Run()
	}
	var err error
	if folder, err = os.MkdirTemp("", "browsertest"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	allocator, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.UserDataDir(filepath.Join(folder, "profile")), chromedp.WSURLReadTimeout(2*testkit.Patience),
		chromedp.NoSandbox, // which root cannot have; only pages of ours are opened
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"),
	)...)
	defer end()
	var closeBrowser context.CancelFunc
	browser, closeBrowser = chromedp.NewContext(allocator)
	defer closeBrowser()
	return m.Run()
}

// startBrowser starts the browser, once.
var startBrowser = sync.OnceValue(func() error { return chromedp.Do(browser) })

// needBrowser skips a test where there is no browser.
func needBrowser(t *testing.T) {
	t.Helper()
	if chromium == "" {
		t.Skip("no Chromium")
	}
	if err := startBrowser(); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
}

// binary builds the program, once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "aggregator")
	return path, testkit.Build(path, "aggregator/cmd/aggregator")
})
