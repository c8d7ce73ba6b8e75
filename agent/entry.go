package agent

import (
	"encoding/json"
	"fmt"
	"reflect"

	"aggregator/lists"
	"aggregator/strictyaml"
)

// botsKey is the key at the top of bots.yaml.
const botsKey = "bots"

// document is the shape of bots.yaml.
type document[B any] struct {
	Bots map[string]B `yaml:"bots" required:"true" doc:"The operator's own bots, each by its id (a snowflake)."`
}

// botEntry is one bot of bots.yaml.
type botEntry struct {
	Name     text                  `yaml:"name" doc:"Name of the bot, for people."`
	Key      text                  `yaml:"key" doc:"What the bot shows this service as Authorization: Bearer; 20 characters or more. No other bot may have it."`
	Tokens   map[string]tokenEntry `yaml:"tokens" doc:"The bot's token for each list, by the list's id."`
	Posts    *postsEntry           `yaml:"posts" doc:"Makes the service post the count by itself."`
	Commands text                  `yaml:"commands" doc:"sync: the service uploads the bot's commands to the lists that take them whenever Discord has others; needs posts.discord_token."`
	Votes    *votesEntry           `yaml:"votes" doc:"What is needed to take votes in and to pass them on."`
	Notify   text                  `yaml:"notify" doc:"URL that notices go to: a Discord webhook, or any that takes JSON."`
}

// tokenEntry is a bot's token for one list, and its bridge key there.
type tokenEntry struct {
	Token     text `yaml:"token" doc:"The token; required, unless there is a bridge key."`
	BotID     text `yaml:"bot_id" doc:"The list's own number of the bot, for lists that number bots themselves."`
	BridgeKey text `yaml:"bridge_key" doc:"A second key, of lists that give out one for heartbeats and errors. With each count that is posted by itself the list hears that the bot is online."`

	bare bool // it stood there as a mere string
}

// SetScalar lets a bare text stand for a token without a number.
func (t *tokenEntry) SetScalar(token string) { t.Token, t.bare = text(token), true }

// postsEntry says how the service posts by itself.
type postsEntry struct {
	Every        text       `yaml:"every" doc:"Time between two counts, 1m to 24h, such as 30m; 30m when absent."`
	Count        countEntry `yaml:"count" doc:"Where the count comes from: discord (when absent), push for what the bot posts with its key, or a URL to read."`
	DiscordToken text       `yaml:"discord_token" doc:"The bot's own Discord token, for count: discord and for commands: sync."`
}

// countEntry is a URL that a count is read from, or the name of another source.
type countEntry struct {
	URL         text `yaml:"url" required:"true" doc:"URL that is read; any host."`
	Token       text `yaml:"token" doc:"Sent as Authorization: Bearer."`
	ServerCount text `yaml:"server_count" doc:"Path of the server count in the answer; the sum of shards when absent."`
	ShardCount  text `yaml:"shard_count" doc:"Path of the number of shards."`
	Shards      text `yaml:"shards" doc:"Path of the server count of each shard, in their order."`
	UserCount   text `yaml:"user_count" doc:"Path of the number of users."`
	name        text // of a source without settings of its own
}

// SetScalar lets the name of a source stand for it.
func (c *countEntry) SetScalar(name string) { c.name = text(name) }

// votesEntry is what a bot needs for votes.
type votesEntry struct {
	Secrets map[string]texts `yaml:"secrets" doc:"What proves a list's webhooks, by the list's id: one secret, or the new one and the old one."`
	SendTo  *sendToEntry     `yaml:"send_to" doc:"Where votes go."`
}

// sendToEntry is an endpoint of the bot's own that takes votes.
type sendToEntry struct {
	URL    text  `yaml:"url" required:"true" doc:"URL that votes are posted to; any host."`
	Secret texts `yaml:"secret" required:"true" doc:"What signs them: one secret, or the new one and the old one."`
}

// text is a value as it stands in the file: a secret, a reference to one, or
// plain text. However it is printed, it shows as ***.
type text string

// String returns the mask.
func (text) String() string { return lists.Mask }

// Format prints the mask, whatever the verb.
func (text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(lists.Mask)) }

// texts is one value or several.
type texts []text

// OneOrMany lets a single value stand for a list of one.
func (texts) OneOrMany() {}

// newDecoder returns a decoder for bots.yaml.
func newDecoder() strictyaml.Decoder {
	return strictyaml.Decoder{Entries: botsKey, Secrets: true, NoBlanks: true, DigitKeys: true}
}

// Schema returns a JSON Schema of bots.yaml, for editors.
func Schema() []byte {
	d := newDecoder()
	root := d.SchemaOf(reflect.TypeFor[document[botEntry]]())
	root["title"] = "Own bots"
	bots := root["properties"].(strictyaml.Schema)[botsKey].(strictyaml.Schema)
	bots["propertyNames"] = strictyaml.Schema{"pattern": `^[1-9][0-9]{15,19}$`}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, slices and strings cannot fail
	}
	return append(b, '\n')
}

// formatHead begins the page about the format of bots.yaml.
const formatHead = `# The format of bots.yaml

"aggregator schema --bots --markdown" prints this page from the format itself, as "aggregator schema --bots" prints a JSON
Schema for editors; [own-bots.md](own-bots.md) says what it is for. An unknown key, a key twice, a wrong type and a key
without a value are refused, with file and line. Every value but ids, names, every and paths may be a reference:
${NAME} stands for an environment variable, @path for a file (relative to bots.yaml); $$ and @@ at the start stand for
the sign itself.

`

// FormatPage returns the page about the format of bots.yaml, in Markdown.
func FormatPage() []byte {
	return append([]byte(formatHead), strictyaml.PageOf(reflect.TypeFor[document[botEntry]]())...)
}
