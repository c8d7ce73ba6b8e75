package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

// bootRecorded boots a service on the catalog of the recorded exchanges,
// whose lists are not there to be asked.
func bootRecorded(t *testing.T) *running {
	t.Helper()
	return boot(t, "--lists", "testdata/golden/lists.yaml", "--legacy-ids", "testdata/golden/legacy_ids.yaml")
}

// get asks, and wants 200 and JSON.
func get(t *testing.T, url string) string {
	t.Helper()
	a := testkit.Send(t, "GET", url, "")
	if kind := a.Header.Get("Content-Type"); a.Status != 200 || !strings.HasPrefix(kind, "application/json") {
		t.Fatalf("%s: %d, %s: %s", url, a.Status, kind, a.Body)
	}
	return a.Body
}

var pageFields = []string{
	"id", "added", "name", "url", "icon", "language", "display", "defunct", "discord_only", "description",
	"api_docs", "api_post", "api_post_method", "api_field", "api_shard_id", "api_shard_count", "api_shards", "api_get", "api_all",
	"view_bot", "bot_widget", "content", "owners", "discord", "features",
}

func TestLists(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	all := get(t, s.Base+"/api/lists")
	t.Run("order", func(t *testing.T) {
		wantKeys(t, "lists", keys(t, all),
			"9lives.test", "alpha-two.test", "alpha.test", "bravo.test", "delta.test", "echo.test", "foxtrot.test", "golf.test",
			"hotel.test", "juliett.test", "lima.test", "oscar-two.test", "papa.test", "sierra.test",
			"charlie.test", "india.test", "mike.test", "november.test")
	})
	t.Run("fields", func(t *testing.T) {
		for _, id := range keys(t, all) {
			list := member(t, all, id)
			wantKeys(t, id, keys(t, list), pageFields...)
			wantJSON(t, id, get(t, s.Base+"/api/lists/"+id), list)
			wantJSON(t, id+" id", member(t, list, "id"), quoted(id))
		}
	})
	for _, row := range []struct{ list, field, want string }{
		{"alpha.test", "display", `1`},
		{"alpha-two.test", "display", `1`}, // written as true
		{"mike.test", "display", `0`},      // a hidden list
		{"lima.test", "defunct", `1`},      // a defunct list
		{"bravo.test", "defunct", `0`},
		{"charlie.test", "discord_only", `0`},
		{"alpha.test", "added", `1600000000`},
		{"juliett.test", "description", `null`},
		{"juliett.test", "api_post", `null`},
		{"alpha.test", "api_post", `"http://127.0.0.1:7700/alpha/bots/:id/stats"`},
		{"foxtrot.test", "api_post_method", `"PUT"`},
		{"alpha.test", "api_post_method", `null`},
		{"alpha.test", "content", `null`},
		{"bravo.test", "content", `"line one\r\nline two\ttab \"q\""`},
	} {
		t.Run(row.list+" "+row.field, func(t *testing.T) {
			wantJSON(t, row.field, member(t, member(t, all, row.list), row.field), row.want)
		})
	}
	t.Run("features", func(t *testing.T) {
		// By value, then display, both descending, then name.
		wantJSON(t, "features", member(t, member(t, all, "alpha.test"), "features"), `[
			{"name":"Server Count API","id":"server-count-api","display":100,"type":0,"description":"Server Count API description","value":1},
			{"name":"Has Ads on Site","id":"has-ads-on-site","display":50,"type":2,"description":"Has Ads on Site description","value":1},
			{"name":"Has Voting","id":"has-voting","display":50,"type":0,"description":"Has Voting description","value":1},
			{"name":"Aaa Sorted First By Name","id":"zeta","display":50,"type":0,"description":"Aaa Sorted First By Name description","value":0},
			{"name":"Bot Reviews","id":"bot-reviews","display":50,"type":1,"description":"Bot Reviews description","value":0},
			{"name":"Zzz Sorted Last By Name","id":"a-last-by-name","display":50,"type":0,"description":"Zzz Sorted Last By Name description","value":0},
			{"name":" Leading Space","id":"leading-space","display":4,"type":1,"description":"Leading Space description","value":0},
			{"name":"neutral lower case","id":"neutral","display":4,"type":1,"description":"neutral lower case description","value":0},
			{"name":"Negative Display","id":"negative-display","display":-1,"type":2,"description":"Negative Display description","value":0}]`)
	})
	t.Run("fields of ours stay inside", func(t *testing.T) {
		r := newRig(t)
		ours := get(t, r.boot(t).Base+"/api/lists")
		for _, id := range keys(t, ours) {
			wantKeys(t, id, keys(t, member(t, ours, id)), pageFields...)
		}
		wantJSON(t, "api_post of a list with a dialect", member(t, member(t, ours, "form.test"), "api_post"), `null`)
	})
	t.Run("never limited", func(t *testing.T) {
		for range 20 {
			if a := testkit.Send(t, "GET", s.Base+"/api/lists", ""); a.Status != 200 || a.Header.Get("RateLimit") != "" {
				t.Fatalf("%d, RateLimit %q", a.Status, a.Header.Get("RateLimit"))
			}
		}
	})
}

func TestListsFilter(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	all := get(t, s.Base+"/api/lists")
	filtered := get(t, s.Base+"/api/lists?filter=true")
	t.Run("lists", func(t *testing.T) {
		wantKeys(t, "lists", keys(t, filtered),
			"9lives.test", "alpha-two.test", "alpha.test", "bravo.test", "delta.test", "echo.test", "foxtrot.test", "golf.test",
			"hotel.test", "oscar-two.test", "papa.test", "sierra.test",
			"charlie.test", "india.test", "mike.test", "november.test")
	})
	t.Run("fields", func(t *testing.T) {
		for _, id := range keys(t, filtered) {
			list := member(t, filtered, id)
			wantKeys(t, id, keys(t, list), pageFields[10:19]...)
			for _, field := range keys(t, list) {
				wantJSON(t, id+" "+field, member(t, list, field), member(t, member(t, all, id), field))
			}
		}
	})
	for _, row := range []struct {
		query string
		on    bool
	}{
		{"filter=true", true},
		{"filter=true&filter=false", true},
		{"x=1&filter=true", true},
		{"filter=%74rue", true},
		{"filter=false&filter=true", false},
		{"filter=TRUE", false},
		{"filter=1", false},
		{"filter", false},
		{"filter=", false},
		{"filter=true%20", false},
		{"Filter=true", false},
		{"filter[]=true", false},
	} {
		t.Run(row.query, func(t *testing.T) {
			want := all
			if row.on {
				want = filtered
			}
			if got := get(t, s.Base+"/api/lists?"+row.query); got != want {
				t.Errorf("filtered: %v, want %v", got == filtered, row.on)
			}
		})
	}
	if filtered == all {
		t.Error("nothing is filtered")
	}
}

// resources are all that is read without a limit.
var resources = []string{"/api/lists", "/api/lists?filter=true", "/api/lists/alpha.test", "/api/legacy-ids", "/api/health"}

// withSlash is a path with a slash at its end.
func withSlash(path string) string {
	path, query, has := strings.Cut(path, "?")
	if has {
		query = "?" + query
	}
	return path + "/" + query
}

func TestListsHeaders(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	for _, path := range resources {
		t.Run(path, func(t *testing.T) {
			a := testkit.Send(t, "GET", s.Base+path, "")
			if a.Status != 200 || a.Body == "" {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("Access-Control-Allow-Origin %q", got)
			}
			head := testkit.Send(t, "HEAD", s.Base+path, "")
			if head.Status != 200 || head.Body != "" {
				t.Errorf("HEAD: %d %q", head.Status, head.Body)
			}
			if got := head.Header.Get("Content-Length"); got != fmt.Sprint(len(a.Body)) {
				t.Errorf("HEAD: Content-Length %q, want %d", got, len(a.Body))
			}
			for _, h := range []string{"Content-Type", "ETag", "Cache-Control", "Access-Control-Allow-Origin"} {
				if head.Header.Get(h) != a.Header.Get(h) {
					t.Errorf("HEAD: %s %q, want %q", h, head.Header.Get(h), a.Header.Get(h))
				}
			}
			slash := testkit.Send(t, "GET", s.Base+withSlash(path), "")
			if slash.Status != 200 || slash.Body != a.Body || slash.Header.Get("ETag") != a.Header.Get("ETag") {
				t.Errorf("with a slash: %d", slash.Status)
			}
			if head := testkit.Send(t, "HEAD", s.Base+withSlash(path), ""); head.Status != 200 {
				t.Errorf("HEAD with a slash: %d", head.Status)
			}
			if withBody := testkit.Send(t, "GET", s.Base+path, "{}"); withBody.Status != 200 || withBody.Body != a.Body {
				t.Errorf("with a body: %d", withBody.Status)
			}
		})
	}
}

func TestListsCaching(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	seen := map[string]string{}
	for _, path := range resources[:4] {
		t.Run(path, func(t *testing.T) {
			plain := testkit.Send(t, "GET", s.Base+path, "")
			packed := testkit.Send(t, "GET", s.Base+path, "", "Accept-Encoding", "gzip, deflate, br")
			tag, packedTag := plain.Header.Get("ETag"), packed.Header.Get("ETag")
			if tag == "" || packedTag == "" || tag == packedTag {
				t.Fatalf("ETag %q, with gzip %q", tag, packedTag)
			}
			if other, twice := seen[tag]; twice {
				t.Errorf("%s has the ETag of %s", path, other)
			}
			seen[tag] = path
			if packed.Header.Get("Content-Encoding") != "gzip" || gunzip(t, packed.Body) != plain.Body {
				t.Errorf("Content-Encoding %q", packed.Header.Get("Content-Encoding"))
			}
			if !strings.Contains(plain.Header.Get("Vary"), "Accept-Encoding") || plain.Header.Get("Content-Encoding") != "" {
				t.Errorf("headers %v", plain.Header)
			}
			for _, row := range []struct {
				name, method, tag, accept string
				status                    int
			}{
				{"same", "GET", tag, "", 304},
				{"same, HEAD", "HEAD", tag, "", 304},
				{"same, gzip", "GET", packedTag, "gzip", 304},
				{"weak", "GET", "W/" + tag, "", 304},
				{"one of several", "GET", `"x", ` + tag, "", 304},
				{"any", "GET", "*", "", 304},
				{"other", "GET", `"x"`, "", 200},
			} {
				t.Run(row.name, func(t *testing.T) {
					headers := []string{"If-None-Match", row.tag}
					if row.accept != "" {
						headers = append(headers, "Accept-Encoding", row.accept)
					}
					a := testkit.Send(t, row.method, s.Base+path, "", headers...)
					if a.Status != row.status || row.status == 304 && a.Body != "" {
						t.Errorf("%d %q, want %d", a.Status, a.Body, row.status)
					}
				})
			}
			for accept, want := range map[string]string{
				"": "", "identity": "", "br": "", "gzip;q=0": "", "deflate, gzip;q=0.5": "gzip", "GZIP": "gzip", "*": "gzip",
			} {
				if got := testkit.Send(t, "GET", s.Base+path, "", "Accept-Encoding", accept).Header.Get("Content-Encoding"); got != want {
					t.Errorf("Accept-Encoding %q gets %q, want %q", accept, got, want)
				}
			}
		})
	}
}

func TestListsCORS(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	want := []string{"Retry-After", "X-Rate-Limit-Reset", "X-Rate-Limit-Method", "X-Rate-Limit-Route", "X-Rate-Limit-IP",
		"X-Rate-Limit-Bot-ID", "RateLimit-Policy", "RateLimit"}
	for _, path := range append([]string{"/api/nothing", "/api/lists/nothing", "/api/bots/x"}, resources...) {
		a := testkit.Send(t, "GET", s.Base+path, "", "Origin", "https://page.example")
		if a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: headers %v", path, a.Header)
		}
		exposed := strings.ToLower(a.Header.Get("Access-Control-Expose-Headers"))
		for _, h := range want {
			if !slices.Contains(strings.Split(strings.ReplaceAll(exposed, " ", ""), ","), strings.ToLower(h)) {
				t.Errorf("%s: %s is not exposed: %s", path, h, exposed)
			}
		}
	}
	a := testkit.Send(t, "OPTIONS", s.Base+"/api/lists", "", "Origin", "https://page.example",
		"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "if-none-match")
	if a.Status/100 != 2 || a.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "GET") ||
		!strings.Contains(strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), "if-none-match") {
		t.Errorf("preflight: %d, headers %v", a.Status, a.Header)
	}
}

func TestListsNotFound(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	for _, row := range []struct{ path, message string }{
		{"/api/lists/nothing.test", "List not found"},
		{"/api/lists/nothing.test/", "List not found"},
		{"/api/lists/ALPHA.TEST", "List not found"},
		{"/api/lists/gone.test", "List not found"}, // a legacy id of no list
		{"/api/lists/alpha%2Etest%20", "List not found"},
		{"/api/lists/alpha%2Ftest", "List not found"},
		{"/api/lists/alpha.test%2F", "List not found"},
		{"/api/lists/%2e%2e", "List not found"},
		{"/api", "Not found"},
		{"/api/", "Not found"},
		{"/api/nothing", "Not found"},
		{"/api/Lists", "Not found"},
		{"/api/lists/alpha.test/x", "Not found"},
		{"/api/lists%2Falpha.test", "Not found"},
		{"/api/health/x", "Not found"},
		{"/api/bots", "Not found"},
		{"/api/bots/" + someBot + "/x", "Not found"},
		{"/api/count/x", "Not found"},
	} {
		t.Run(row.path, func(t *testing.T) {
			wantError(t, testkit.Send(t, "GET", s.Base+row.path, ""), 404, row.message)
			if head := testkit.Send(t, "HEAD", s.Base+row.path, ""); head.Status != 404 || head.Body != "" {
				t.Errorf("HEAD: %d %s", head.Status, head.Body)
			}
		})
	}
	wantError(t, testkit.Send(t, "POST", s.Base+"/api/nothing", "{}"), 404, "Not found")
}

func TestListsLegacyIDs(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	all := get(t, s.Base+"/api/legacy-ids")
	wantKeys(t, "legacy ids", keys(t, all), "Upper.test", "aaa-old-bravo.test", "chain.test", "gone.test", "old-alpha.test", "old-defunct.test", "sierra.test", "zz-old-bravo.test")
	wantJSON(t, "legacy ids", all, `{"old-alpha.test":"alpha.test","zz-old-bravo.test":"bravo.test","gone.test":"missing.test","chain.test":"old-alpha.test",
		"Upper.test":"charlie.test","old-defunct.test":"lima.test","sierra.test":"bravo.test","aaa-old-bravo.test":"bravo.test"}`)
	for id, list := range map[string]string{
		"old-alpha.test": "alpha.test", "chain.test": "alpha.test", "Upper.test": "charlie.test", "old-defunct.test": "lima.test",
		"sierra.test": "sierra.test", // a living list's own id
	} {
		t.Run(id, func(t *testing.T) {
			if got := get(t, s.Base+"/api/lists/"+id); got != get(t, s.Base+"/api/lists/"+list) {
				t.Errorf("%.60s, want %s", got, list)
			}
		})
	}
}

func TestPathEscapes(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	alpha := get(t, s.Base+"/api/lists/alpha.test")
	for _, path := range []string{"/api/lists/%61lpha.test", "/api/lists/alpha%2Etest", "/api/lists/%61lpha.test/", "/%61pi/lists/alpha.test"} {
		if got := get(t, s.Base+path); got != alpha {
			t.Errorf("%s: %.60s", path, got)
		}
	}
	for _, path := range []string{"/api/lists/%zz", "/api/lists/%", "/api/bots/%1", "/api/%GG", "/%zz"} {
		t.Run(path, func(t *testing.T) {
			if got := rawStatus(t, s, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); got != 400 {
				t.Errorf("%d, want 400", got)
			}
		})
	}
}

// rawStatus sends bytes as they are, and returns the status of the answer.
func rawStatus(t *testing.T, s *running, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	const reading = "GET, HEAD"
	for _, row := range []struct{ method, path, allow string }{
		{"POST", "/api/lists", reading},
		{"POST", "/api/lists/", reading},
		{"PUT", "/api/lists/alpha.test", reading},
		{"DELETE", "/api/legacy-ids", reading},
		{"PATCH", "/api/health", reading},
		{"OPTIONS", "/api/lists", reading}, // no preflight
		{"OPTIONS", "/api/count", "POST"},
		{"POST", "/api/docs", reading},
		{"POST", "/api/bots/" + someBot, "GET, HEAD, PATCH"},
		{"GET", "/api/count", "POST"},
		{"HEAD", "/api/count", "POST"},
		{"PUT", "/api/count/", "POST"},
		{"GET", "/api/bots/" + someBot + "/lookup", "POST"},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			a := testkit.Send(t, row.method, s.Base+row.path, "")
			if row.method == "HEAD" {
				if a.Status != 405 {
					t.Errorf("%d", a.Status)
				}
			} else {
				wantError(t, a, 405, "Method not allowed")
			}
			allowed := strings.Split(a.Header.Get("Allow"), ", ")
			slices.Sort(allowed)
			if got := strings.Join(allowed, ", "); got != row.allow {
				t.Errorf("Allow %q, want %q", got, row.allow)
			}
		})
	}
}

func TestHealthAndDocs(t *testing.T) {
	t.Parallel()
	s := bootRecorded(t)
	a := testkit.Send(t, "GET", s.Base+"/api/health", "")
	if a.Status != 200 || a.Body != "OK" {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("Content-Type %q", got)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store, no-cache, must-revalidate, proxy-revalidate" {
		t.Errorf("Cache-Control %q", got)
	}
	redirects := map[string]string{"/api/docs": "/docs", "/api/docs/": "/docs", "/api/docs/libs": "/docs/libraries", "/api/docs/libs/": "/docs/libraries"}
	for _, path := range slices.Sorted(maps.Keys(redirects)) {
		for _, method := range []string{"GET", "HEAD"} {
			if a := testkit.Send(t, method, s.Base+path, ""); a.Status != 302 || a.Header.Get("Location") != redirects[path] {
				t.Errorf("%s %s: %d to %q", method, path, a.Status, a.Header.Get("Location"))
			}
		}
	}
}
