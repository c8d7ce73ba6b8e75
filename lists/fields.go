package lists

import (
	"cmp"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aggregator/rawjson"
)

// Field is one thing that is read of a bot. A new one is a row of fieldTable,
// beside its field in Bot and its key in the format.
type Field struct {
	Name string // in the merged answer, and under an entry's get.fields
	Kind FieldKind

	sources func(*ReadEntry) Sources
	common  []string           // key names under which lists commonly have it; a dot nests
	text    func(*Bot) *string // of a text: where the merged bot holds it
	missing string             // what stands there where no list says anything
}

// FieldKind says how a field is read and merged.
type FieldKind int

// The kinds of fields.
const (
	FieldText   FieldKind = iota // the most common text
	FieldDigits                  // the same, and may be a number
	FieldIDs                     // all ids, in the order seen
	FieldCount                   // the largest count
)

// fieldTable is in the order of the merged answer.
var fieldTable = [...]Field{
	{
		Name: "username", sources: func(e *ReadEntry) Sources { return e.Username },
		common: []string{"name", "username", "bot_name"},
		text:   func(b *Bot) *string { return &b.Username }, missing: "Unknown",
	},
	{
		Name: "discriminator", Kind: FieldDigits, sources: func(e *ReadEntry) Sources { return e.Discriminator },
		common: []string{"discrim", "discriminator", "disc"},
		text:   func(b *Bot) *string { return &b.Discriminator }, missing: "0000",
	},
	{
		Name: "owners", Kind: FieldIDs, sources: func(e *ReadEntry) Sources { return e.Owners },
		common: []string{"owner", "owners", "authors", "bot_owners", "owner_id", "coOwners", "secondaryOwners"},
	},
	{
		Name: "server_count", Kind: FieldCount, sources: func(e *ReadEntry) Sources { return e.ServerCount },
		common: []string{
			"count", "servers", "server_count", "servercount", "serverCount", "bot_server_count",
			"guilds", "guild_count", "guildcount", "guildCount", "stats.guilds",
		},
	},
	{
		Name: "invite", sources: func(e *ReadEntry) Sources { return e.Invite },
		common: []string{"invite", "bot_invite", "botInvite", "bot_invite_link", "oauth_url", "inviteURL", "links.invite"},
		text:   func(b *Bot) *string { return &b.Invite },
	},
	{
		Name: "prefix", sources: func(e *ReadEntry) Sources { return e.Prefix },
		common: []string{"prefix", "bot_prefix"},
		text:   func(b *Bot) *string { return &b.Prefix },
	},
	{
		Name: "website", sources: func(e *ReadEntry) Sources { return e.Website },
		common: []string{"website", "bot_website", "websiteURL"},
		text:   func(b *Bot) *string { return &b.Website },
	},
	{
		Name: "github", sources: func(e *ReadEntry) Sources { return e.Github },
		common: []string{"github", "bot_github_repo", "openSource", "git", "source_code"},
		text:   func(b *Bot) *string { return &b.Github },
	},
	{
		Name: "support", sources: func(e *ReadEntry) Sources { return e.Support },
		common: []string{
			"support", "supportInvite", "support_server", "discord", "server_invite",
			"bot_support_discord", "server", "supportServer", "links.support",
		},
		text: func(b *Bot) *string { return &b.Support },
	},
	{
		Name: "library", sources: func(e *ReadEntry) Sources { return e.Library },
		common: []string{"library", "libraryName", "bot_library", "lang"},
		text:   func(b *Bot) *string { return &b.Library },
	},
}

// Fields returns all fields, in the order of the merged answer.
func Fields() []Field { return fieldTable[:] }

// Sources returns where an entry says that the field is; nil for nowhere.
func (f *Field) Sources(e *ReadEntry) Sources { return f.sources(e) }

// AppendJSON appends what a merged bot holds of the field.
func (f *Field) AppendJSON(to []byte, bot *Bot) []byte {
	switch f.Kind {
	case FieldIDs:
		to = append(to, '[')
		for _, id := range bot.Owners {
			to = rawjson.AppendString(rawjson.AppendComma(to), id)
		}
		return append(to, ']')
	case FieldCount:
		return rawjson.AppendInt(to, bot.ServerCount)
	}
	return rawjson.AppendString(to, *f.text(bot))
}

// commonKey is a field that a key of an answer holds.
type commonKey struct {
	field int      // its row
	below []string // path from the key's value to the field's
}

// commonKeys are the keys by which fields without a mapping are read.
var commonKeys = func() map[string][]commonKey {
	all := map[string][]commonKey{}
	for i, f := range fieldTable {
		for _, name := range f.common {
			path := strings.Split(name, ".")
			all[path[0]] = append(all[path[0]], commonKey{i, path[1:]})
		}
	}
	return all
}()

// mapping says where an answer has each field, by its row, compiled. A nil row
// is of a field that stands under the common key names, and an empty one of a
// field that the list does not tell.
type mapping [][]source

// source is one place where a field may be.
type source struct {
	steps []step
	url   template // makes a URL of a value that is none; zero: nothing does
}

// mapping compiles an entry's fields; nil: all have the common key names.
func (c *checker) mapping(e *ReadEntry) mapping {
	m := make(mapping, len(fieldTable))
	if e == nil {
		return m
	}
	for i := range fieldTable {
		f := &fieldTable[i]
		field := "get.fields." + f.Name
		if f.Sources(e) != nil {
			m[i] = []source{}
		}
		for _, s := range f.Sources(e) {
			compiled := source{steps: c.steps(field, s.Path)}
			if s.URL != "" {
				t, err := newURLTemplate(s.URL, placeholderValue)
				if err != nil {
					c.add(field+".url", "%v", err)
				}
				compiled.url = t
			}
			m[i] = append(m[i], compiled)
		}
	}
	return m
}

// mappingRules says in words where each field is read, under a root that is ""
// for the top.
func mappingRules(e *ReadEntry, root string) []string {
	const common = "the common key names, "
	if e == nil {
		return []string{common + place(root)}
	}
	var rules []string
	under, others := strings.TrimPrefix(root+".", "."), false
	for i := range fieldTable {
		f := &fieldTable[i]
		sources := f.Sources(e)
		if others = others || sources == nil; sources == nil {
			continue
		}
		paths := []string{}
		for _, s := range sources {
			path := under + s.Path
			if s.URL != "" {
				path += " (as " + s.URL + ")"
			}
			paths = append(paths, path)
		}
		rules = append(rules, f.Name+": "+cmp.Or(strings.Join(paths, ", "), "not told"))
	}
	if others {
		rules = append(rules, "others: "+common+place(root))
	}
	return rules
}

// place says in words where a root is.
func place(root string) string {
	if root == "" {
		return "at the top level"
	}
	return "under " + root
}

// facts are what one list's answer says of a bot. Nothing but what can be
// understood counts.
type facts struct {
	texts [][]string // by row: of a text, each one that the answer holds; of ids, each of them
	count int64      // the largest; -1 when there is none
	votes int64      // in all, see voteKeys; 0 when the answer tells nothing
	some  bool       // the answer is an object with something in it
}

// voteKeys are the keys under which lists say how many votes a bot has: those of
// all times come before those that may be of a month.
var voteKeys = []string{"votes_total", "total_votes", "totalVotes", "allTimeVotes", "votes", "vote_count", "voteCount", "upvotes", "points"}

func newFacts() *facts { return &facts{texts: make([][]string, len(fieldTable)), count: -1} }

// read reads the fields where a mapping says that they are. Of a text and a
// count the first source that has one counts; ids are gathered from all. What
// the mapping does not name is read under the common key names, in the order in
// which the list wrote them.
func (f *facts) read(answer rawjson.Value, m mapping) {
	top := &node{value: answer}
	for i, sources := range m {
		for _, s := range sources {
			f.readSource(i, top.walk(s.steps), s.url)
			if f.has(i) && fieldTable[i].Kind != FieldIDs {
				break
			}
		}
	}
	best := len(voteKeys)
	for _, member := range top.cut() {
		f.some = true
		for _, k := range commonKeys[member.Key] {
			if m[k.field] == nil {
				f.add(k.field, follow(member.Value, k.below))
			}
		}
		if i := slices.Index(voteKeys, member.Key); i >= 0 && i < best {
			if n, ok := countOf(member.Value); ok {
				best, f.votes = i, n
			}
		}
	}
}

func (f *facts) readSource(field int, found []rawjson.Value, asURL template) {
	for _, v := range found {
		f.add(field, v)
		if fieldTable[field].text == nil || !f.has(field) {
			continue
		}
		if !asURL.isZero() {
			link := asLink(f.texts[field][0], asURL)
			if link == "" {
				f.texts[field] = nil
				continue
			}
			f.texts[field][0] = link
		}
		return
	}
}

// asLink returns the link that a list means, which may write a code alone, an
// address without a scheme, or a whole URL; "" for a blank.
func asLink(text string, ofCode template) string {
	text = strings.TrimFunc(text, isBlank)
	bare := strings.TrimLeft(text, "/")
	first, _, _ := strings.Cut(bare, "/")
	switch {
	case bare == "":
		return ""
	case strings.Contains(text, "://"):
		return text
	case strings.Contains(first, "."): // of a host, and of no code
		return "https://" + bare
	}
	return ofCode.forValue((&url.URL{Path: bare}).EscapedPath())
}

// has reports whether something of a field was read.
func (f *facts) has(field int) bool {
	if fieldTable[field].Kind == FieldCount {
		return f.count >= 0
	}
	return len(f.texts[field]) > 0
}

// add takes of v what a field can hold.
func (f *facts) add(field int, v rawjson.Value) {
	switch fieldTable[field].Kind {
	case FieldText, FieldDigits:
		if text := textOf(v, fieldTable[field].Kind == FieldDigits); text != "" {
			f.texts[field] = append(f.texts[field], text)
		}
	case FieldIDs:
		f.texts[field] = appendIDs(f.texts[field], v)
	case FieldCount:
		if n, ok := countOf(v); ok {
			f.count = max(f.count, n)
		}
	}
}

// textOf returns a string's text, or a number's digits where they pass; "" for
// anything else.
func textOf(v rawjson.Value, digits bool) string {
	if text, ok := v.Text(); ok {
		return text
	}
	if text, ok := v.Number(); ok && digits && isDigits(text) {
		return text
	}
	return ""
}

// appendIDs appends the ids in a string, a number, an object with id or userId,
// or an array of these.
func appendIDs(ids []string, v rawjson.Value) []string {
	if v.Kind() != rawjson.Array {
		return appendID(ids, v)
	}
	for item := range v.Items() {
		ids = appendID(ids, item)
	}
	return ids
}

func appendID(ids []string, v rawjson.Value) []string {
	id := scalar(v)
	for _, key := range []string{"id", "userId"} {
		if id == "" {
			id = scalar(v.Get(key))
		}
	}
	if len(id) >= 16 && len(id) <= 20 && isDigits(id) {
		ids = append(ids, id)
	}
	return ids
}

// thousands matches a count with commas between its thousands.
var thousands = regexp.MustCompile(`^[0-9]{1,3}(,[0-9]{3})+$`)

// countOf returns the count in a number, or in a string of digits. ok is false
// for anything else.
func countOf(v rawjson.Value) (n int64, ok bool) {
	text := strings.TrimSpace(scalar(v))
	if thousands.MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	}
	if text == "" || text[0] == '-' || v.Kind() == rawjson.String && !isDigits(text) {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || x > MaxNumber {
		return 0, false
	}
	return int64(x), true
}
