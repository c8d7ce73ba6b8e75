package agent

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"aggregator/catalog"
	"aggregator/internal/near"
	"aggregator/lists"
	"aggregator/strictyaml"
)

// Error holds everything that is wrong with a bots file, by line.
type Error = strictyaml.Error

// LoadOptions say how a bots file is loaded.
type LoadOptions struct {
	Getenv    func(name string) string // as os.Getenv; nil: no variable is set
	NoSecrets bool                     // references are checked for their form and not followed, so that the bots are of no use
	Forgets   bool                     // the store is in memory, which is worth a warning to those who wait for votes
	MadeUp    func(name string) string // what stands for a variable that is not set, or a file that is not there, named as in bots.yaml; nil: it is a fault
}

// maxFile bounds a bots file: ten thousand bots with all they can have.
const maxFile = 16 << 20

// Load reads bots.yaml, follows its references and checks it against a catalog.
// All that is wrong comes at once, as an *Error, which repeats no secret. What
// is merely odd comes as warnings.
func Load(path string, c *catalog.Catalog, o LoadOptions) (*Bots, []string, error) {
	data, mode, err := readFile(path, maxFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s", path, reason(err))
	}
	return parse(path, data, mode, c, o)
}

// Parse is Load for the text of such a file, in which references to files are
// relative to the working directory. name stands for the file's in what is wrong.
func Parse(name string, text []byte, c *catalog.Catalog, o LoadOptions) (*Bots, []string, error) {
	return parse(name, text, 0, c, o)
}

func parse(path string, data []byte, mode fs.FileMode, c *catalog.Catalog, o LoadOptions) (*Bots, []string, error) {
	l := newLoader(path, c, o)
	bots := l.load(strictyaml.File{Name: path, Data: data})
	l.warnOfModes(path, mode)
	return bots, l.warnings, l.Err()
}

// loader reads a bots file and collects what is wrong with it.
type loader struct {
	strictyaml.Decoder
	catalog  *catalog.Catalog
	resolver resolver
	keys     map[[sha256.Size]byte]strictyaml.Place // of the bots so far, and where they stand
	literals bool                                   // some secret stands in the file itself
	forgets  bool                                   // as in LoadOptions
	warnings []string
}

// newLoader returns a loader of a file, beside which relative references begin.
func newLoader(path string, c *catalog.Catalog, o LoadOptions) *loader {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	return &loader{
		Decoder:  newDecoder(),
		catalog:  c,
		resolver: resolver{dir: filepath.Dir(path), getenv: o.Getenv, formOnly: o.NoSecrets, madeUp: o.MadeUp},
		keys:     map[[sha256.Size]byte]strictyaml.Place{},
		forgets:  o.Forgets,
	}
}

// warnOfModes warns of files with secrets that others may read: of the one that was
// loaded, which has this mode, and of those that it refers to.
func (l *loader) warnOfModes(path string, mode fs.FileMode) {
	if l.literals && OthersMayRead(mode) {
		l.warn(strictyaml.Place{File: path}, "holds secrets and may be read by others; chmod 600 it")
	}
	for _, f := range l.resolver.open {
		l.warn(strictyaml.Place{File: f}, "holds a secret and may be read by others; chmod 600 it")
	}
}

func (l *loader) warn(at strictyaml.Place, format string, args ...any) {
	l.warnings = append(l.warnings, strictyaml.Problem{Place: at, Message: fmt.Sprintf(format, args...)}.String())
}

func (l *loader) load(f strictyaml.File) *Bots {
	root, ok := l.Parse(f)
	if !ok {
		return nil
	}
	if root == nil {
		l.Add(strictyaml.Place{File: f.Name, Line: 1}, `is empty, must hold "bots:"`)
		return nil
	}
	var doc document[*strictyaml.Node]
	l.Bind(root, &doc)
	bots := &Bots{byID: make(map[string]*Bot, len(doc.Bots))}
	if doc.Bots == nil {
		return bots
	}
	for _, f := range root.Find(botsKey).Fields() {
		b := l.bot(f.Key, f.Value)
		bots.all = append(bots.all, b)
		bots.byID[b.ID] = b
	}
	return bots
}

func (l *loader) bot(id string, n *strictyaml.Node) *Bot {
	if !lists.IsSnowflake(id) {
		l.Add(n.Place(), "must be a snowflake: 16 to 20 digits, the first of them no 0")
	}
	var e botEntry
	l.Bind(n, &e)
	b := &Bot{ID: id, Name: string(e.Name)}
	if strings.Contains(b.Name, "${") {
		l.Add(n.Find("name").Place(), "is taken as it stands and can be no reference; write the name out")
	}
	l.key(b, n, e.Key)
	if e.Tokens != nil {
		b.Tokens = l.tokens(n.Find("tokens"), e.Tokens, func(at strictyaml.Place, list *lists.List, t lists.Token) { l.checkList(id, at, list, t) })
	}
	if e.Posts != nil {
		b.Posts = l.posts(n.Find("posts"), e.Posts)
	}
	if e.Commands != "" {
		b.Commands = l.commands(n, &e)
	}
	if e.Votes != nil {
		b.Votes = l.votes(n.Find("votes"), e)
	}
	if raw := l.resolve(n.Find("notify"), e.Notify); raw.known {
		if b.Notify = newTarget(raw.text); b.Notify == nil {
			l.Add(n.Find("notify").Place(), badURL)
		}
	}
	return b
}

// resolve finds what a secret stands for and reports what is wrong with it. A
// blank one is absent, or reported already.
func (l *loader) resolve(n *strictyaml.Node, value text) resolved {
	r := l.resolvePlain(n, value)
	l.literals = l.literals || r.literal
	return r
}

// resolvePlain resolves a value as resolve does, but one that may stand in the
// file for all to read: the name of a source, or the URL of an endpoint.
func (l *loader) resolvePlain(n *strictyaml.Node, value text) resolved {
	if value == "" {
		return resolved{}
	}
	r, err := l.resolver.resolve(value)
	if err != nil {
		l.Add(n.Place(), "%s", strings.TrimSpace(err.Error()))
	}
	return r
}

// minKey is how many characters a key has at least.
const minKey = 20

func (l *loader) key(b *Bot, n *strictyaml.Node, value text) {
	b.hasKey = value != ""
	r := l.resolve(n.Find("key"), value)
	if !r.known {
		return
	}
	at := n.Find("key").Place()
	key, ok := l.checkToken(at, strings.TrimSpace(r.text), "") // what stands around it is lost in a header
	if !ok {
		return
	}
	if have := utf8.RuneCountInString(key.Reveal()); have < minKey {
		l.Add(at, "must have %d characters or more, has %d", minKey, have)
	}
	hash := sha256.Sum256([]byte(key.Reveal()))
	b.key = &hash
	if other, taken := l.keys[hash]; taken {
		l.Add(at, "is the key of %s too (line %d); each bot needs its own", other.Entry, other.Line)
		return
	}
	l.keys[hash] = at
}

// checkToken returns a token that a header can carry.
func (l *loader) checkToken(at strictyaml.Place, secret, listBotID string) (token lists.Token, ok bool) {
	token, bad := lists.CheckToken(secret, listBotID)
	switch {
	case bad == nil:
		return token, true
	case bad.Reason == lists.SkipNoToken:
		l.Add(at, "stands for no token; nothing, undefined and null are none")
	default:
		l.Add(at, "%s", bad.Detail)
	}
	return lists.Token{}, false
}

// The bounds on the time between two counts.
const (
	minEvery = time.Minute
	maxEvery = 24 * time.Hour
)

func (l *loader) posts(n *strictyaml.Node, e *postsEntry) *Posts {
	p := &Posts{Every: defaultEvery}
	if e.Every != "" {
		every, err := time.ParseDuration(string(e.Every))
		if err != nil || every < minEvery || every > maxEvery || every%time.Second != 0 {
			l.Add(n.Find("every").Place(), "must be a time from 1m to 24h in whole seconds, such as 30m or 1h30m")
		}
		p.Every = every
	}
	if r := l.resolve(n.Find("discord_token"), e.DiscordToken); r.known {
		p.Discord, _ = l.checkToken(n.Find("discord_token").Place(), r.text, "")
	}
	p.Source = l.source(n, e, p.Discord)
	return p
}

// commands reports whether the bot's commands are to be uploaded when they change.
func (l *loader) commands(n *strictyaml.Node, e *botEntry) bool {
	const sync = "sync"
	at := n.Find("commands").Place()
	switch {
	case e.Commands != sync:
		l.Add(at, "must be %s, or be left out", sync)
	case e.Posts == nil || e.Posts.DiscordToken == "" && n.Find("posts").Get("discord_token") == nil:
		l.Add(at, "Discord is asked for them with each tick, and needs the bot's own token: give posts.discord_token")
	}
	return e.Commands == sync
}

// sourceNames are the sources that have a name.
var sourceNames = []string{sourceDiscord, sourcePush}

func (l *loader) source(n *strictyaml.Node, e *postsEntry, discord lists.Token) Source {
	count := n.Get("count")
	if count != nil && count.IsMapping() {
		return l.urlSource(count, e.Count)
	}
	name := resolved{text: sourceDiscord, known: true}
	if e.Count.name != "" {
		name = l.resolvePlain(count, e.Count.name)
	}
	switch {
	case !name.known:
	case name.text == sourcePush:
		return push{}
	case name.text != sourceDiscord:
		l.Add(count.Place(), "must be discord, push or a mapping with a url%s", near.Suggestion(name.text, sourceNames))
	case e.DiscordToken == "" && n.Get("discord_token") == nil:
		at := n.Place()
		at.Field += ".discord_token"
		l.Add(at, "is required for count: discord, and is the bot's own Discord token")
	default:
		return discordSource{discord}
	}
	return nil
}

func (l *loader) urlSource(n *strictyaml.Node, e countEntry) Source {
	s := urlSource{}
	if r := l.resolvePlain(n.Find("url"), e.URL); r.known {
		s.url = lists.NewToken(r.text, "")
		if !isURL(r.text) {
			l.Add(n.Find("url").Place(), badURL)
		}
	}
	if r := l.resolve(n.Find("token"), e.Token); r.known {
		s.token, _ = l.checkToken(n.Find("token").Place(), r.text, "")
	}
	for _, p := range []struct {
		name string
		text text
		path *lists.Path
	}{
		{"server_count", e.ServerCount, &s.serverCount},
		{"shard_count", e.ShardCount, &s.shardCount},
		{"shards", e.Shards, &s.shards},
		{"user_count", e.UserCount, &s.userCount},
	} {
		if p.text == "" {
			continue
		}
		path, err := lists.ParsePath(string(p.text))
		if err != nil {
			l.Add(n.Find(p.name).Place(), "%s", err)
		}
		*p.path = path
	}
	if e.ServerCount == "" && e.Shards == "" && e.URL != "" {
		l.Add(n.Place(), "must say where the answer holds the count: server_count, or shards")
	}
	return s
}

const badURL = "must be an http:// or https:// URL with a host"

// isURL reports whether raw is a URL that a request can be sent to.
func isURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Fragment == ""
}
