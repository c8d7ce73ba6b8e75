package votes

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aggregator/agent"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/internal/testkit"
	"aggregator/lists"
	"aggregator/store"
)

const (
	testBot    = "123456789012345678"
	keyedBot   = "123456789012345679" // votes go to the stream alone
	testUser   = "222222222222222222"
	listSecret = "secret of the list"
	ourSecret  = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	ourOther   = "a secret in plain text"
)

// testLists are lists that tell of votes, each in its way.
const testLists = `lists:
  list.example:
    name: L
    url: "https://list.example/"
    webhook: {proof: {kind: header}, kind: {path: type, votes: upvote, tests: test, removed: unvote}, user: user, bot: bot, time: at, until: until, weekend: isWeekend}
  signed.example:
    name: S
    url: "https://signed.example/"
    webhook: {proof: {kind: timestamped, name: X-Signature}, user: data.user, id: data.id, window: 12h, time: {path: data.at, unit: unix}}
  token.example:
    name: T
    url: "https://token.example/"
    api_post: "https://token.example/:id"
    api_field: servers
    webhook: {secret: token, proof: {kind: signature, name: X-Hub, prefix: "sha256="}, user: user, weight: votes, id_header: X-Id}
  mute.example: {name: M, url: "https://mute.example/"}
`

// rig is a store with bots, and an endpoint of one of them.
type rig struct {
	clock    *testkit.Clock
	log      *testkit.Log
	store    *store.Memory
	catalog  *catalog.Catalog
	bots     *agent.Live
	catalogs *catalog.Live
	botsFile string
	hash     func(...string) store.Key
	endpoint *endpointServer
	notices  notices
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{clock: testkit.NewClock(), log: &testkit.Log{}, endpoint: newEndpointServer(t), bots: new(agent.Live)}
	r.store = store.NewMemory(store.MemoryOptions{Now: r.clock.Now, Elapsed: r.clock.Elapsed})
	r.hash = store.NewHasher(r.store.Secret())
	r.botsFile = filepath.Join(t.TempDir(), "bots.yaml")
	r.writeBots(t, r.endpoint.URL, fmt.Sprintf("[%q, %q]", ourSecret, ourOther))
	var err error
	if r.catalogs, _, err = catalog.NewLive(r.bots.Beside(
		func() (*catalog.Catalog, []string, error) {
			return catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(testLists)}}, catalog.File{Name: "legacy_ids.yaml"})
		},
		func(c *catalog.Catalog) (*agent.Bots, []string, error) {
			return agent.Load(r.botsFile, c, agent.LoadOptions{})
		})); err != nil {
		t.Fatal(err)
	}
	r.catalog = r.catalogs.Current()
	return r
}

// writeBots writes the file of bots, whose votes go to a URL.
func (r *rig) writeBots(t testing.TB, url, secret string) {
	t.Helper()
	text := fmt.Sprintf(`bots:
  %q:
    tokens: {token.example: "the token of the list"}
    votes: {secrets: {list.example: [%q, "an older secret"], signed.example: %q}, send_to: {url: %q, secret: %s}}
  %q: {key: "a key of twenty characters", votes: {secrets: {list.example: %q}}}
`, testBot, listSecret, listSecret, url, secret, keyedBot, listSecret)
	if err := os.WriteFile(r.botsFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) config() RelayConfig {
	client := fanout.New(http.DefaultTransport, r.log.Logger())
	return RelayConfig{
		Bots: r.bots, Outbox: r.store.Outbox(), State: r.store.State(), Hash: r.hash, Exchange: client.Exchange, Notices: &r.notices,
		UserAgent: "test", Log: r.log.Logger(), Now: r.clock.Now, Random: func() float64 { return 0.5 },
	}
}

// run runs a relay until the test ends, or stop is called.
func (r *rig) run(t testing.TB, c RelayConfig) (relay *Relay, stop func()) {
	t.Helper()
	relay = NewRelay(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { relay.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return relay, stop
}

func (r *rig) intake(wake func(string)) *Intake {
	return NewIntake(IntakeConfig{Outbox: r.store.Outbox(), Hash: r.hash, Log: r.log.Logger(), Now: r.clock.Now, Wake: wake})
}

// put puts a vote with an id into the outbox.
func (r *rig) put(t testing.TB, id string) {
	t.Helper()
	m := store.Message{ID: id, Bot: testBot, List: "list.example", User: testUser, Type: typeCreated, Body: []byte(`{"id":"` + id + `"}`), Created: r.clock.Now()}
	if kept, err := r.store.Outbox().Put(t.Context(), m, true); err != nil || kept != store.PutKept {
		t.Fatalf("put %s: %v, %v", id, kept, err)
	}
}

// states returns the states of the deliveries by id.
func (r *rig) states(t testing.TB) map[string]store.Delivery {
	t.Helper()
	all, err := r.store.Outbox().Deliveries(t.Context(), testBot, store.DeliveryQuery{Max: store.MaxDeliveries})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]store.Delivery{}
	for _, d := range all {
		states[d.ID] = d
	}
	return states
}

// listed is a webhook of list.example with the list's secret.
func listed(body string) lists.Delivery {
	return lists.Delivery{Header: http.Header{"Authorization": {listSecret}}, Body: []byte(body)}
}

// notices keeps what people are told.
type notices struct {
	mu   sync.Mutex
	said []string
}

func (n *notices) say(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, text)
}

func (n *notices) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.said)
}

// endpointServer is a bot's own endpoint. It takes everything until told
// otherwise.
type endpointServer struct {
	*httptest.Server
	mu     sync.Mutex
	got    []got
	answer http.HandlerFunc
}

// got is a message as the endpoint got it.
type got struct {
	ID     string
	Header http.Header
	Body   string
}

func newEndpointServer(t testing.TB) *endpointServer {
	t.Helper()
	s := &endpointServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		s.mu.Lock()
		s.got = append(s.got, got{q.Header.Get("webhook-id"), q.Header.Clone(), string(body)})
		answer := s.answer
		s.mu.Unlock()
		if answer != nil {
			answer(w, q)
		}
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *endpointServer) on(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *endpointServer) all() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// ids returns the ids of what the endpoint got, in order.
func (s *endpointServer) ids() string {
	var all []string
	for _, g := range s.all() {
		all = append(all, g.ID)
	}
	return strings.Join(all, " ")
}

func (s *endpointServer) want(t testing.TB, ids string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := s.ids(); got != ids {
			return fmt.Errorf("the endpoint got %q, want %q", got, ids)
		}
		return nil
	})
}

// data returns the "data" of a body.
func data(t testing.TB, body string) map[string]any {
	t.Helper()
	var m struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return m.Data
}

func (n *notices) VotesFailing(_ context.Context, b *agent.Bot, _ time.Time, reason string) error {
	n.say(b.ID + " failing: " + reason)
	return nil
}

func (n *notices) VotesTaken(_ context.Context, b *agent.Bot) error {
	n.say(b.ID + " taken")
	return nil
}

func (n *notices) VotesRefused(_ context.Context, b *agent.Bot, list string, _ time.Time, reason string) error {
	n.say(b.ID + " refused " + list + ": " + reason)
	return nil
}

func (n *notices) VotesAccepted(_ context.Context, b *agent.Bot, list string) error {
	n.say(b.ID + " accepted " + list)
	return nil
}

// resign is a webhook of signed.example or token.example with a body, signed as
// the list does.
func resign(t testing.TB, l *lists.List, body, secret string, now time.Time) lists.Delivery {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	d := lists.Delivery{Header: http.Header{}, Body: []byte(body)}
	switch l.ID {
	case "signed.example":
		mac.Write(fmt.Appendf(nil, "%d.%s", now.Unix(), body))
		d.Header.Set("X-Signature", fmt.Sprintf("t=%d,v1=%x", now.Unix(), mac.Sum(nil)))
	case "token.example":
		mac.Write([]byte(body))
		d.Header.Set("X-Hub", fmt.Sprintf("sha256=%x", mac.Sum(nil)))
	default:
		t.Fatalf("%s signs nothing", l.ID)
	}
	return d
}
