package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"aggregator/lists"
)

// Outside plays what is not a list: Discord's API, and servers of the bots' own. A
// request for a host that a list has goes to that list.
//
// As a Discord token it takes those that Bot has named, and any that begins, as
// real ones do, with a bot's id in base64 and a dot; never "bad", nor one that
// begins with "bad-". As a webhook it takes any but that with the token "gone".
// Any other host is a server of a bot's own: what it is asked for it answers
// with counts under the names that programs use, and what it is sent it takes.
type Outside struct {
	lists *Sandbox

	mu       sync.Mutex
	servers  int64             // that every bot has
	bots     map[string]string // ids by Discord token
	commands string            // that every bot has, as JSON
	messages []Message
}

// Message is what a webhook or a server of a bot's own was sent.
type Message struct {
	URL    string
	Header http.Header
	Body   []byte
}

// maxMessages is how many messages are remembered.
const maxMessages = 100

// NewOutside returns an Outside around a sandbox of lists, in which every bot has
// a number of servers.
func NewOutside(s *Sandbox, servers int64) *Outside {
	return &Outside{lists: s, servers: servers, bots: map[string]string{}, commands: someCommands}
}

// SetServers changes how many servers every bot has.
func (o *Outside) SetServers(n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.servers = n
}

// someCommands are commands as Discord returns them.
const someCommands = `[{"id":"323456789012345678","application_id":"123456789012345678","version":"1","type":1,"name":"ban","description":"Bans a user",` +
	`"options":[{"type":6,"name":"user","description":"Whom","required":true},{"type":3,"name":"reason","description":"Why"}]},` +
	`{"id":"323456789012345679","application_id":"123456789012345678","version":"1","type":1,"name":"ping","description":"Answers pong"}]`

// SetCommands changes which commands every bot has, a JSON array as Discord returns
// it.
func (o *Outside) SetCommands(commands string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commands = commands
}

// Bot makes a Discord token that of a bot.
func (o *Outside) Bot(token, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bots[strings.TrimPrefix(token, "Bot ")] = id
}

// Messages returns the latest messages, the newest last.
func (o *Outside) Messages() []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.messages)
}

var (
	applicationPath = regexp.MustCompile(`^/api(/v[0-9]+)?/applications/@me$`)
	commandsPath    = regexp.MustCompile(`^/api(/v[0-9]+)?/applications/([0-9]+)/commands$`)
	webhookPath     = regexp.MustCompile(`^/api(/v[0-9]+)?/webhooks/[^/]+/([^/]+)$`)
)

// ServeHTTP answers as whoever is asked.
func (o *Outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(o.lists.endpoints[strings.ToLower(r.Host)]) > 0 {
		o.lists.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answerTo(refuse(http.StatusBadRequest, "Body cannot be read")).write(w)
		return
	}
	o.answer(r, body).write(w)
}

func (o *Outside) answer(r *http.Request, body []byte) answer {
	webhook := webhookPath.FindStringSubmatch(r.URL.Path)
	switch {
	case applicationPath.MatchString(r.URL.Path) && r.Method == http.MethodGet:
		return o.application(r)
	case commandsPath.MatchString(r.URL.Path) && r.Method == http.MethodGet:
		return o.commandsOf(r, commandsPath.FindStringSubmatch(r.URL.Path)[2])
	case webhook != nil && r.Method == http.MethodPost:
		if err := checkWebhook(webhook[2], body); err != nil {
			return answerTo(err)
		}
		o.keep(r, body)
		return answer{status: http.StatusNoContent}
	case r.Method == http.MethodPost:
		o.keep(r, body)
		return answer{status: http.StatusNoContent}
	case r.Method == http.MethodGet:
		return o.counts()
	}
	return answerTo(refuse(http.StatusMethodNotAllowed, "Method %s is not allowed", r.Method))
}

// application answers as Discord does who asks about itself.
func (o *Outside) application(r *http.Request) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, ok := o.asker(r)
	if !ok {
		return answerTo(refuse(http.StatusUnauthorized, "401: Unauthorized"))
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"id": id, "name": "Sandbox Bot", "bot": map[string]any{"id": id, "username": "Sandbox Bot", "bot": true},
		"approximate_guild_count": o.servers, "bot_approximate_guild_count": nil,
	}}
}

// commandsOf answers as Discord does who asks for a bot's commands.
func (o *Outside) commandsOf(r *http.Request, bot string) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, ok := o.asker(r)
	switch {
	case !ok:
		return answerTo(refuse(http.StatusUnauthorized, "401: Unauthorized"))
	case id != bot:
		return answerTo(refuse(http.StatusForbidden, "Missing Access"))
	}
	return answer{status: http.StatusOK, body: json.RawMessage(o.commands)}
}

// asker returns whose Discord token a request shows. ok is false where that is
// nobody's.
func (o *Outside) asker(r *http.Request) (bot string, ok bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bot ")
	if !ok || isBad(token) || !strings.HasPrefix(r.UserAgent(), "DiscordBot (") {
		return "", false
	}
	if id, known := o.bots[token]; known {
		return id, true
	}
	first, _, _ := strings.Cut(token, ".")
	decoded, _ := base64.RawStdEncoding.DecodeString(first)
	return string(decoded), lists.IsSnowflake(string(decoded))
}

// maxContent is how many characters Discord takes.
const maxContent = 2000

func checkWebhook(token string, body []byte) error {
	if token == "gone" {
		return refuse(http.StatusNotFound, "Unknown Webhook")
	}
	var message struct {
		Content string `json:"content"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return refuse(http.StatusBadRequest, "The request body contains invalid JSON.")
	}
	if n := len([]rune(message.Content)); n == 0 || n > maxContent {
		return refuse(http.StatusBadRequest, "Must be between 1 and %d in length.", maxContent)
	}
	return nil
}

// counts answers as a program may that tells its own counts.
func (o *Outside) counts() answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	body := map[string]any{"shard_count": 2, "shards": []int64{o.servers / 2, o.servers - o.servers/2}, "users": 40 * o.servers, "user_count": 40 * o.servers}
	for _, name := range []string{"server_count", "servers", "guild_count", "guilds", "count"} {
		body[name] = o.servers
	}
	body["stats"] = map[string]any{"servers": o.servers, "guilds": o.servers, "users": 40 * o.servers}
	return answer{status: http.StatusOK, body: body}
}

func (o *Outside) keep(r *http.Request, body []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) == maxMessages {
		o.messages = o.messages[1:]
	}
	o.messages = append(o.messages, Message{"https://" + r.Host + r.URL.RequestURI(), r.Header.Clone(), body})
}

var errNoList = errors.New("sandbox: no such list")

// Refuse makes a list refuse every token, or take them again.
func (s *Sandbox) Refuse(listID string, refuse bool) error {
	l := s.lists[listID]
	if l == nil {
		return errNoList
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusesAll = refuse
	return nil
}
