package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aggregator/internal/testkit"
)

const (
	votingUser = "222222222222222222"
	hookSecret = "secret of the webhook"
	sendSecret = "what signs our votes"
)

// votingLists are lists that tell of votes.
const votingLists = `lists:
  votes.test:
    name: V
    url: "https://votes.test/"
    webhook: {proof: {kind: header}, kind: {path: type, votes: upvote, tests: test}, user: user, bot: bot, id: id}
  address.test:
    name: A
    url: "https://address.test/"
    webhook: {user: user}
`

// votingBots is a file with a bot whose votes go to the rig, and one whose votes
// go to the stream alone.
func (r *rig) votingBots(t *testing.T) string {
	t.Helper()
	return write(t, "bots.yaml", fmt.Sprintf(`bots:
  %q: {key: %q, votes: {secrets: {votes.test: %q, address.test: %q}, send_to: {url: "http://%s/endpoint/votes", secret: %q}}}
  %q: {key: %q, votes: {secrets: {votes.test: %q}}}
`, ownBot, ownKey+ownBot, hookSecret, hookSecret, r.Addr, sendSecret, otherOwnBot, ownKey+otherOwnBot, hookSecret))
}

// votingFlags are the flags of a service that takes votes.
func (r *rig) votingFlags(t *testing.T) []string {
	t.Helper()
	return []string{"--lists", write(t, "voting.yaml", votingLists), "--bots", r.votingBots(t)}
}

// tell sends a webhook of votes.test.
func (s *running) tell(t *testing.T, bot, body string) answer {
	t.Helper()
	return testkit.Send(t, "POST", s.Base+"/hooks/"+bot+"/votes.test", body, "Authorization", hookSecret)
}

func voteBody(id string) string {
	return fmt.Sprintf(`{"type":"upvote","user":%q,"id":%q}`, votingUser, id)
}

// keyed sends a request with a bot's key.
func (s *running) keyed(t *testing.T, method, path, bot, body string) answer {
	t.Helper()
	return testkit.Send(t, method, s.Base+"/api/bots/"+bot+path, body, "Authorization", "Bearer "+ownKey+bot)
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, append(r.votingFlags(t), "--metrics", "main", "--limit-network", "3/60s")...)
	url := s.Base + "/hooks/" + ownBot
	for _, row := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string // within the answer
	}{
		{"a vote", "POST", "/votes.test", voteBody("a"), []string{"Authorization", hookSecret}, 200, `{"ok":true}`},
		{"the same again", "POST", "/votes.test", voteBody("a"), []string{"Authorization", hookSecret}, 200, `{"ok":true}`},
		{"no vote", "POST", "/votes.test", `{"type":"review"}`, []string{"Authorization", hookSecret}, 200, `{"ok":true,"ignored":"review"}`},
		{"a wrong secret", "POST", "/votes.test", voteBody("b"), []string{"Authorization", "wrong"}, 401, `{"error":true,"status":401,"message":"Bad signature"}`},
		{"no secret", "POST", "/votes.test", voteBody("b"), nil, 401, "Bad signature"},
		{"another bot", "POST", "/votes.test", `{"type":"upvote","user":"` + votingUser + `","bot":"999999999999999999"}`, []string{"Authorization", hookSecret}, 400, `"error":true`},
		{"too large", "POST", "/votes.test", strings.Repeat(" ", 64<<10+1), []string{"Authorization", hookSecret}, 413, "Body must be at most 65536 bytes"},
		{"as large as may be", "POST", "/votes.test", voteBody("large") + strings.Repeat(" ", 64<<10-len(voteBody("large"))), []string{"Authorization", hookSecret}, 200, `{"ok":true}`},
		{"the secret in the address", "POST", "/address.test?secret=" + strings.ReplaceAll(hookSecret, " ", "%20"), `{"user":"` + votingUser + `"}`, nil, 200, `{"ok":true}`},
		{"a wrong one there", "POST", "/address.test?secret=wrong", `{"user":"` + votingUser + `"}`, nil, 401, "Bad signature"},
		{"GET", "GET", "/votes.test", "", nil, 405, "Method not allowed"},
		{"HEAD", "HEAD", "/votes.test", "", nil, 405, ""},
		{"PUT", "PUT", "/votes.test", "", nil, 405, "Method not allowed"},
		{"a method that nobody knows", "PURGE", "/votes.test", "", nil, 405, "Method not allowed"},
		{"a list without a secret", "POST", "/paced.test", "{}", nil, 404, "Not found"},
		{"no list", "POST", "/nowhere.test", "{}", nil, 404, "Not found"},
		{"GET of no list", "GET", "/nowhere.test", "", nil, 404, "Not found"},
		{"such a method of no list", "PURGE", "/nowhere.test", "", nil, 404, "Not found"},
		{"another path", "POST", "", "{}", nil, 404, "Not found"},
		{"a longer path", "POST", "/votes.test/more", "{}", nil, 404, "Not found"},
	} {
		a := testkit.Send(t, row.method, url+row.path, row.body, row.headers...)
		if a.Status != row.status || !strings.Contains(a.Body, row.want) {
			t.Errorf("%s: got %d %s, want %d %s", row.name, a.Status, a.Body, row.status, row.want)
		}
		if a.Status == 405 && a.Header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", row.name, a.Header.Get("Allow"))
		}
	}
	if a := testkit.Send(t, "POST", s.Base+"/hooks/"+newBot()+"/votes.test", "{}", "Authorization", hookSecret); a.Status != 404 {
		t.Errorf("another bot: %d %s, want 404", a.Status, a.Body)
	}
	log := s.Log.String()
	if strings.Contains(log, "secret of") || strings.Contains(log, "wrong\"") && !strings.Contains(log, `"reason":"wrong secret"`) || strings.Contains(log, "%20") {
		t.Errorf("the log holds a secret: %s", log)
	}
	if len(s.Log.Entries(t, "webhook with a bad signature")) != 3 {
		t.Errorf("bad signatures are not logged: %s", log)
	}
	metrics := testkit.Send(t, "GET", s.Base+"/metrics", "").Body
	for _, line := range []string{
		`aggregator_webhooks_total{list="votes.test",result="kept"} 2`, `aggregator_webhooks_total{list="votes.test",result="again"} 1`,
		`aggregator_webhooks_total{list="votes.test",result="bad_signature"} 2`, `aggregator_webhooks_total{list="votes.test",result="ignored"} 1`,
		`aggregator_webhooks_total{list="votes.test",result="invalid"} 1`, `aggregator_webhooks_total{list="votes.test",result="probe"} 4`,
		`aggregator_votes_waiting `, `aggregator_votes_oldest_seconds `,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	testkit.Wait(t, "the deliveries", func() bool {
		return strings.Contains(testkit.Send(t, "GET", s.Base+"/metrics", "").Body, `aggregator_vote_deliveries_total{result="taken"} 3`)
	})
	for _, a := range r.Take() {
		if strings.Contains(a.Body, hookSecret) || a.Header.Get("webhook-signature") == "" {
			t.Errorf("the endpoint got %s with %v", a.Body, a.Header)
		}
	}
}

// Without bots there is nothing of this.
func TestNoWebhooksWithoutBots(t *testing.T) {
	t.Parallel()
	s := newRig(t).boot(t)
	for _, path := range []string{"/hooks/" + ownBot + "/votes.test", "/api/bots/" + ownBot + "/deliveries/retry"} {
		testkit.Send(t, "POST", s.Base+path, "{}").Want(t, 404)
	}
}

// delivery is a delivery as the API shows it.
type delivery struct {
	ID, List, Type, State string
	User                  string `json:"user_id"`
	Test                  bool
	Attempts              int
	LastStatus            *int    `json:"last_status"`
	LastReason            *string `json:"last_reason"`
	Next                  *string `json:"next_attempt"`
}

type deliveriesPage struct {
	Bot        string `json:"bot_id"`
	Deliveries []delivery
	Next       *string
}

func (s *running) deliveries(t *testing.T, bot, query string) (p deliveriesPage) {
	t.Helper()
	a := s.keyed(t, "GET", "/deliveries"+query, bot, "")
	if a.Status != 200 || json.Unmarshal([]byte(a.Body), &p) != nil {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	return p
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.On("endpoint", testkit.Say(410, "text/plain", "gone"))
	s := r.boot(t, r.votingFlags(t)...)
	for i := range 103 {
		s.tell(t, ownBot, voteBody(fmt.Sprint(i))).Want(t, 200)
	}
	// 410 makes each a dead letter at once, until the endpoint rests after five; each
	// probe of it makes one more, the first after 5 s.
	deadLetters := func() []delivery { return s.deliveries(t, ownBot, "?state=dead").Deliveries }
	testkit.Wait(t, "dead letters", func() bool { return len(deadLetters()) >= 5 })
	page := s.deliveries(t, ownBot, "")
	if len(page.Deliveries) != 100 || page.Next == nil || page.Bot != ownBot {
		t.Fatalf("the first page has %d deliveries, next %v", len(page.Deliveries), page.Next)
	}
	rest := s.deliveries(t, ownBot, "?after="+*page.Next)
	if len(rest.Deliveries) != 3 || rest.Next != nil {
		t.Errorf("the second page has %d deliveries, next %v; want the last 3", len(rest.Deliveries), rest.Next)
	}
	dead := rest.Deliveries[2]
	if dead.State != "dead" || dead.LastStatus == nil || *dead.LastStatus != 410 || dead.LastReason == nil || *dead.LastReason != "410 Gone" ||
		dead.Attempts != 1 || dead.User != votingUser || dead.List != "votes.test" || dead.Type != "vote.created" || dead.Next != nil {
		t.Errorf("a dead letter is %+v", dead)
	}
	r.On("endpoint", testkit.Say(200, "text/plain", "ok"))
	for _, row := range []struct {
		body, want string
		status     int
	}{
		{`{}`, "Either 'ids' or 'state' is required", 400},
		{`{"ids":[],"state":null}`, "'ids' must be an array of 1 to 100 ids of deliveries", 400},
		{`{"ids":["a"],"state":"dead"}`, "Either 'ids' or 'state' is required", 400},
		{`{"state":"delivered"}`, "'state' must be dead or pending", 400},
		{`[]`, "Body must be JSON object", 400},
		{`{"ids":["msg_unknown"]}`, `{"retried":0}`, 202},
		{`{"ids":["` + dead.ID + `","msg_unknown"]}`, `{"retried":1}`, 202},
	} {
		if a := s.keyed(t, "POST", "/deliveries/retry", ownBot, row.body); a.Status != row.status || !strings.Contains(a.Body, row.want) {
			t.Errorf("%s: got %d %s, want %d %s", row.body, a.Status, a.Body, row.status, row.want)
		}
	}
	testkit.Wait(t, "the rest", func() bool { return len(s.deliveries(t, ownBot, "?state=pending").Deliveries) == 0 })
	others := len(deadLetters()) // the endpoint takes all by now
	if a := s.keyed(t, "POST", "/deliveries/retry", ownBot, `{"state":"dead"}`); others < 4 || a.Body != fmt.Sprintf(`{"retried":%d}`, others) {
		t.Errorf("got %s, want the other %d, 4 at least", a.Body, others)
	}
	testkit.Wait(t, "all", func() bool { return len(s.deliveries(t, ownBot, "?state=dead").Deliveries) == 0 })
	a := s.keyed(t, "POST", "/deliveries/test", ownBot, "")
	var test delivery
	if err := json.Unmarshal([]byte(a.Body), &test); err != nil || a.Status != 200 || test.State != "delivered" || !test.Test || *test.LastStatus != 200 {
		t.Errorf("a test: %d %s", a.Status, a.Body)
	}
	for _, row := range []struct {
		method, path string
	}{{"GET", "/deliveries"}, {"POST", "/deliveries/test"}, {"GET", "/votes/stream"}} {
		if a := testkit.Send(t, row.method, s.Base+"/api/bots/"+ownBot+row.path, ""); a.Status != 401 || !strings.Contains(a.Body, "A key is needed") {
			t.Errorf("%s without the key: %d %s", row.path, a.Status, a.Body)
		}
	}
	s.keyed(t, "GET", "/deliveries?state=lost", ownBot, "").Want(t, 400)
	testkit.Send(t, "GET", s.Base+"/api/bots/me/deliveries", "").Want(t, 400)
}

// stream is an open stream: its header, and its events, each as its lines, until
// it ends.
type stream struct {
	header http.Header
	events <-chan string
}

// streamOf opens a stream, which ends with the test at the latest.
func streamOf(t *testing.T, s *running, bot, last string) stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.Base+"/api/bots/"+bot+"/votes/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+ownKey+bot)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := testkit.Client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 {
		t.Fatalf("a stream is answered with %d", resp.StatusCode)
	}
	all := make(chan string, 1000)
	go func() {
		defer close(all)
		var lines []string
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			if in.Text() != "" {
				lines = append(lines, in.Text())
				continue
			}
			all <- strings.Join(lines, "\n")
			lines = nil
		}
	}()
	return stream{resp.Header, all}
}

func TestStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, r.votingFlags(t)...)
	s.tell(t, otherOwnBot, voteBody("old")).Want(t, 200)
	open := streamOf(t, s, otherOwnBot, "")
	if h := open.header; h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" || h.Get("X-Accel-Buffering") != "no" {
		t.Errorf("got %v", h)
	}
	live := open.events
	if got := testkit.Receive(t, "the beginning", live); got != "retry: 3000" {
		t.Errorf("the stream begins with %q", got)
	}
	// Nobody says when a stream has begun to follow; votes are told until it has.
	var first string
	for i := 0; first == ""; i++ {
		s.tell(t, otherOwnBot, voteBody(fmt.Sprint("new", i))).Want(t, 200)
		select {
		case first = <-live:
		case <-time.After(20 * time.Millisecond): // another one is told
		}
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(first, "id: "), "\n")
	if !strings.HasPrefix(first, "id: msg_") || !strings.Contains(first, "\nevent: vote.created\ndata: {\"type\":\"vote.created\",") || strings.Contains(first, `"old"`) {
		t.Errorf("the first event is %q", first)
	}
	s.tell(t, otherOwnBot, voteBody("next")).Want(t, 200)
	again := streamOf(t, s, otherOwnBot, id).events
	testkit.Receive(t, "the beginning", again)
	for got := ""; !strings.Contains(got, `"next"`); got = testkit.Receive(t, "an event", again) {
		if strings.Contains(got, id) {
			t.Errorf("the event after which the stream begins came again: %s", got)
		}
	}
	whole := streamOf(t, s, otherOwnBot, "0").events
	testkit.Receive(t, "the beginning", whole)
	if got := testkit.Receive(t, "the oldest", whole); !strings.Contains(got, `"old"`) {
		t.Errorf("from the beginning the first is %s", got)
	}
	for range 5 {
		streamOf(t, s, otherOwnBot, "")
	}
	if a := s.keyed(t, "GET", "/votes/stream", otherOwnBot, ""); a.Status != 429 || !strings.Contains(a.Body, "At most 8 streams for a bot") {
		t.Errorf("a ninth stream: %d %s", a.Status, a.Body)
	}
	if code := s.Stop(); code != 0 { // with streams open
		t.Errorf("ended with %d: %s", code, s.Log)
	}
	for range live { // until it ends
	}
}

// A stream ends once its key is no longer the bot's: who had it reads no more.
func TestStreamOfOldKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bots := r.votingBots(t)
	p := r.start(t, nil, "--lists", write(t, "voting.yaml", votingLists), "--bots", bots, "--store", "memory:")
	live := streamOf(t, &p.running, otherOwnBot, "0").events
	testkit.Receive(t, "the beginning", live)
	text, err := os.ReadFile(bots)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), ownKey+otherOwnBot, "another key of twenty", 1))
	if err := os.WriteFile(bots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.exe.Signal(t, syscall.SIGHUP)
	testkit.Wait(t, "the reload", func() bool { return strings.Contains(p.Log.String(), `"msg":"reloaded"`) })
	p.tell(t, otherOwnBot, voteBody("a")).Want(t, 200)
	if got := testkit.Receive(t, "the end of the stream", live); got != "" {
		t.Errorf("the stream goes on with %s", got)
	}
}

// A stream whose reader takes nothing is closed once that is too far behind, and
// does not wait for what is being written to it.
func TestStalledStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.boot(t, r.votingFlags(t)...)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /api/bots/%s/votes/stream HTTP/1.1\r\nHost: aggregator\r\nAuthorization: Bearer %s\r\n\r\n", otherOwnBot, ownKey+otherOwnBot); err != nil {
		t.Fatal(err)
	}
	n, pad := 0, strings.Repeat("x", 60<<10)
	testkit.Wait(t, "the end of the stream", func() bool {
		if n++; n < 400 { // far more than connections take beside what may be behind
			s.tell(t, otherOwnBot, fmt.Sprintf(`{"type":"upvote","user":%q,"id":"%d","pad":%q}`, votingUser, n, pad)).Want(t, 200)
		}
		return strings.Contains(s.Log.String(), "its reader was too far behind")
	})
}

// A hanging endpoint delays neither counts nor readings, nor the answer to a list.
func TestHangingEndpoint(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.On("endpoint", testkit.Hang)
	s := r.boot(t, r.votingFlags(t)...)
	for i := range 20 {
		s.tell(t, ownBot, voteBody(fmt.Sprint(i))).Want(t, 200)
	}
	testkit.Wait(t, "an attempt that hangs", func() bool {
		for _, a := range r.Take() {
			if a.List == "endpoint" {
				return true
			}
		}
		return false
	})
	if c := s.post(t, countBody(newBot(), `"hidden.test":"t"`)); c.Success["hidden.test"].status != 200 {
		t.Errorf("a count beside it: %s", c.raw)
	}
	s.read(t, newBot())
	if page := s.deliveries(t, ownBot, "?state=pending"); len(page.Deliveries) != 20 {
		t.Errorf("%d wait, want all of 20", len(page.Deliveries))
	}
}

// A store that is gone and comes back has lost no vote, nor told one twice.
func TestVotesSurviveRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.On("endpoint", testkit.Say(500, "text/plain", "down"))
	args := append(r.votingFlags(t), "--store", "sqlite:"+filepath.Join(t.TempDir(), "votes.db"))
	s := r.boot(t, args...)
	for i := range 10 {
		s.tell(t, ownBot, voteBody(fmt.Sprint(i))).Want(t, 200)
	}
	testkit.Wait(t, "the rest", func() bool { return strings.Contains(s.Log.String(), "it is only probed now") })
	s.Stop()
	r.On("endpoint", testkit.Say(200, "text/plain", "ok"))
	s = r.boot(t, args...)
	s.tell(t, ownBot, voteBody("0")).Want(t, 200)
	testkit.Wait(t, "all of them", func() bool { return len(s.deliveries(t, ownBot, "?state=delivered").Deliveries) == 10 })
}
