package lists

// Entry is one list as its block in lists.yaml says it: the fields of the
// API page, then what a plain entry cannot say. An absent field is "", 0 or
// nil. The `yaml` tags are the keys, `enum` the values allowed, and `doc`
// what the JSON Schema tells an editor.
type Entry struct {
	Added         int64    `yaml:"added" doc:"Unix time at which the list was added to the catalog."`
	Name          string   `yaml:"name" required:"true" doc:"Name people know the list by."`
	URL           string   `yaml:"url" required:"true" doc:"Home page."`
	Icon          string   `yaml:"icon" doc:"URL of an icon."`
	Language      string   `yaml:"language" doc:"Languages the list supports."`
	Display       bool     `yaml:"display" doc:"Whether the list is shown to people."`
	Defunct       bool     `yaml:"defunct" doc:"Whether the list is gone. A defunct list is never asked."`
	DiscordOnly   bool     `yaml:"discord_only" doc:"Whether the list holds Discord bots only."`
	Description   string   `yaml:"description" doc:"One sentence about the list."`
	APIDocs       string   `yaml:"api_docs" doc:"URL of the API's documentation."`
	APIPost       string   `yaml:"api_post" doc:"URL a plain client posts counts to; :id stands for the bot's id."`
	APIPostMethod string   `yaml:"api_post_method" enum:"POST,PUT,PATCH" doc:"HTTP method of api_post; POST when absent."`
	APIField      string   `yaml:"api_field" doc:"Name of the field that holds the server count; dots nest."`
	APIShardID    string   `yaml:"api_shard_id" doc:"Name of the field that holds the shard id."`
	APIShardCount string   `yaml:"api_shard_count" doc:"Name of the field that holds the number of shards."`
	APIShards     string   `yaml:"api_shards" doc:"Name of the field that holds the server count of each shard."`
	APIGet        string   `yaml:"api_get" doc:"URL a plain client reads a bot from; :id stands for the bot's id."`
	APIAll        string   `yaml:"api_all" doc:"URL that lists all bots."`
	ViewBot       string   `yaml:"view_bot" doc:"URL of a bot's page; :id stands for the bot's id."`
	BotWidget     string   `yaml:"bot_widget" doc:"URL of a bot's widget, a picture. May hold :id (the bot's snowflake) and :list_bot_id (the number the list itself gave the bot)."`
	Content       string   `yaml:"content" doc:"Notice shown with the list."`
	Owners        string   `yaml:"owners" doc:"Names of the list's owners."`
	Discord       string   `yaml:"discord" doc:"Invite to the list's Discord server."`
	Features      []string `yaml:"features" doc:"Ids of the features the list has."`

	Source  Lines  `yaml:"source" doc:"Where the list documents what stands here: URLs, commits of its source."`
	Checked string `yaml:"checked" date:"true" doc:"Day on which the entry was last compared with its source."`
	SameAs  string `yaml:"same_as" doc:"Id of a list that runs the same software: what post, get, webhook, and votes and reports where they stand, leave out is as there, but for URLs."`

	Post *PostEntry `yaml:"post" doc:"How counts are really posted, where that is more than the api_* fields can say."`
	Get  *GetEntry  `yaml:"get" doc:"How a bot is really read, where that is more than api_get can say."`

	Votes   *VotesEntry   `yaml:"votes" doc:"How the list is asked whether a user has voted for a bot."`
	Webhook *WebhookEntry `yaml:"webhook" doc:"How the list tells of votes, by requests to an address that its settings page takes."`

	ReportsEntry `inline:"true"`
}

// Lines is one line of text or several.
type Lines []string

// OneOrMany lets a single string stand for a list of one.
func (Lines) OneOrMany() {}

// PostEntry says how a list wants its counts. What is absent comes from the
// api_* fields of the list.
type PostEntry struct {
	URL         string            `yaml:"url" doc:"Where counts go; api_post when absent. May hold :id (the bot's snowflake) and :list_bot_id (the number the list itself gave the bot)."`
	Method      string            `yaml:"method" enum:"POST,PUT,PATCH" doc:"HTTP method; api_post_method, or POST, when absent."`
	Auth        *AuthEntry        `yaml:"auth" doc:"Where the token goes; the Authorization header as it is, when absent."`
	Body        string            `yaml:"body" enum:"json,form,query" doc:"How fields are encoded; json when absent."`
	Fields      *FieldsEntry      `yaml:"fields" doc:"Which value goes out under which name; the api_* names when absent."`
	ShardObject *ShardObjectEntry `yaml:"shard_object" doc:"Shards go out as objects with these keys, not as bare counts."`
	Numbers     string            `yaml:"numbers" enum:"number,string" doc:"Whether numbers go out as JSON numbers (when absent) or as strings."`
	Constants   map[string]any    `yaml:"constants" doc:"Fields with one value for everyone."`
	Defaults    *DefaultsEntry    `yaml:"defaults" doc:"Values for fields the list insists on and the caller left out."`
	Headers     map[string]string `yaml:"headers" doc:"Further request headers; :id and :list_bot_id are filled in."`
	Answer      string            `yaml:"answer" enum:"json,empty,any" doc:"What a success must answer; anything but an HTML page when absent."`
	Success     *SuccessEntry     `yaml:"success" doc:"A flag in the JSON answer that must hold beside a 2xx status."`
	Revoked     []int             `yaml:"revoked" doc:"Statuses that say the key is revoked: nothing is posted until the token changes."`
	Limits      []LimitEntry      `yaml:"limits" doc:"The list's own rate limits; calls that would break one are held back."`
	Wait        []WaitEntry       `yaml:"wait" doc:"Where a refusal says how long to wait; Retry-After in seconds or as a date when absent."`
	None        string            `yaml:"none" doc:"Why no count can be posted, where the list has an API without a count."`
	Otherwise   *OtherwiseEntry   `yaml:"otherwise" doc:"A second way to post, for tokens that the first does not know; which one a token is for is remembered."`
}

// OtherwiseEntry is a second way to post. What is absent is as for any post;
// limits, waits and what says that a key is revoked are those of the first way.
type OtherwiseEntry struct {
	On        []int `yaml:"on" required:"true" doc:"Statuses of the first way's answer at which this one is tried, once."`
	PostEntry `inline:"true" without:"revoked,limits,wait,none,otherwise"`
}

// AuthEntry says where a token goes.
type AuthEntry struct {
	In     string `yaml:"in" enum:"header,query,body" doc:"Part of the request that carries the token; header when absent."`
	Name   string `yaml:"name" doc:"Name of the header, parameter or field; Authorization when absent."`
	Prefix string `yaml:"prefix" doc:"Put before a token that does not already begin with it, such as \"Bearer \"."`
}

// FieldsEntry says under which names values go out. A name with dots nests; a
// value with several names goes out under each.
type FieldsEntry struct {
	ServerCount      Names `yaml:"server_count" doc:"The server count."`
	ShardID          Names `yaml:"shard_id" doc:"The shard id."`
	ShardCount       Names `yaml:"shard_count" doc:"The number of shards."`
	Shards           Names `yaml:"shards" doc:"The server count of each shard."`
	UserCount        Names `yaml:"user_count" doc:"The user count."`
	VoiceConnections Names `yaml:"voice_connections" doc:"The number of voice connections."`
	BotID            Names `yaml:"bot_id" doc:"The bot's snowflake, as a string."`
	ListBotID        Names `yaml:"list_bot_id" doc:"The number the list itself gave the bot."`
}

// Names is one name or several.
type Names []string

// OneOrMany lets a single string stand for a list of one.
func (Names) OneOrMany() {}

// ShardObjectEntry names the keys of one shard's object.
type ShardObjectEntry struct {
	ID    string `yaml:"id" required:"true" doc:"Key of the shard id."`
	Count string `yaml:"count" required:"true" doc:"Key of the shard's server count."`
}

// DefaultsEntry holds values for what the caller left out.
type DefaultsEntry struct {
	ShardCount       *int64 `yaml:"shard_count" doc:"Sent when the caller gives no shard count."`
	UserCount        *int64 `yaml:"user_count" doc:"Sent when the caller gives no user count."`
	VoiceConnections *int64 `yaml:"voice_connections" doc:"Sent when the caller gives no voice connections."`
}

// SuccessEntry is a flag that a JSON answer must hold.
type SuccessEntry struct {
	Field string `yaml:"field" required:"true" doc:"Path of the flag; dots nest."`
	Is    any    `yaml:"is" required:"true" doc:"Value that means success: a string, a whole number, true or false, compared as JSON."`
}

// LimitEntry is one rate limit of the list.
type LimitEntry struct {
	Per      string `yaml:"per" required:"true" enum:"token,bot,address" doc:"Whom the list counts: the token, the bot, or the address this service calls from."`
	Requests int64  `yaml:"requests" required:"true" doc:"Requests allowed in each interval."`
	Seconds  int64  `yaml:"seconds" required:"true" doc:"Length of the interval in seconds."`
}

// WaitEntry is one place where a list says how long to wait.
type WaitEntry struct {
	Header string `yaml:"header" doc:"Name of the response header."`
	Body   string `yaml:"body" doc:"Path of a field in the JSON answer; dots nest."`
	Unit   string `yaml:"unit" enum:"s,ms,unix,unix_ms" doc:"Seconds to wait (when absent), milliseconds to wait, or the Unix time to wait for."`
}

// GetEntry says how a bot is read from a list. What is absent comes from
// api_get and from the key names lists commonly use.
type GetEntry struct {
	URL     string            `yaml:"url" doc:"Where a bot is read; api_get when absent. May hold :id and :list_bot_id."`
	Auth    *AuthEntry        `yaml:"auth" doc:"Where the key goes; a list without this part is read without a key."`
	Headers map[string]string `yaml:"headers" doc:"Further request headers; :id and :list_bot_id are filled in."`
	Root    string            `yaml:"root" doc:"Path of the object that holds the bot; dots nest."`
	Fields  *ReadEntry        `yaml:"fields" doc:"Where each field is; a field that is absent here is read under the key names that lists commonly use."`
	Limits  []LimitEntry      `yaml:"limits" doc:"The list's rate limits on reading; those per address under post count readings too."`
	Wait    []WaitEntry       `yaml:"wait" doc:"Where a refusal says how long to wait; Retry-After in seconds or as a date when absent."`
}

// ReadEntry says where an answer has what. The first path that holds a value
// counts; owners are gathered from all paths. A field that is absent is read
// under the key names that lists commonly use, one with an empty list of paths
// not at all.
type ReadEntry struct {
	Username      Sources `yaml:"username" doc:"The bot's name."`
	Discriminator Sources `yaml:"discriminator" doc:"The bot's discriminator."`
	Owners        Sources `yaml:"owners" doc:"Ids of the bot's owners."`
	ServerCount   Sources `yaml:"server_count" doc:"The server count."`
	Invite        Sources `yaml:"invite" doc:"URL that invites the bot."`
	Prefix        Sources `yaml:"prefix" doc:"The command prefix."`
	Website       Sources `yaml:"website" doc:"The bot's website."`
	Github        Sources `yaml:"github" doc:"URL of the source code."`
	Support       Sources `yaml:"support" doc:"URL of the support server."`
	Library       Sources `yaml:"library" doc:"The library the bot is built with."`
}

// Sources is one source or several.
type Sources []Source

// OneOrMany lets a single source stand for a list of one.
func (Sources) OneOrMany() {}

// Source is a path into an answer: dots nest, "[]" goes through an array,
// "[-1]" takes its last item, "[name=Website]" the item whose name is Website
// (in any case), and "{}" the keys of an object.
type Source struct {
	Path string `yaml:"path" required:"true" doc:"Path into the answer: dots nest, [] goes through an array, [-1] takes its last item, [name=Website] the item whose name is Website, {} the keys of an object."`
	URL  string `yaml:"url" doc:"Makes a URL of a value that is none: :value is filled in."`
}

// SetScalar lets a bare string stand for a source that is only a path.
func (s *Source) SetScalar(path string) { s.Path = path }

// Problem is something wrong with an entry.
type Problem struct {
	Field   string // as in the YAML: "api_post", "post.fields.server_count"
	Message string // what is wrong, and what is allowed
}
