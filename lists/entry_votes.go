package lists

// VotesEntry says how a list is asked whether a user has voted for a bot, and
// where its answer says so. One of voted, found and voters says what a yes is.
type VotesEntry struct {
	URL       string            `yaml:"url" required:"true" doc:"Where a list is asked about one user and one bot. May hold :id (the bot's snowflake), :list_bot_id (the number the list itself gave the bot) and :user (the user's snowflake)."`
	Auth      *AuthEntry        `yaml:"auth" doc:"Where the key goes; a list without this part is asked without a key."`
	Headers   map[string]string `yaml:"headers" doc:"Further request headers; :id, :list_bot_id and :user are filled in."`
	Voted     string            `yaml:"voted" doc:"Path of a flag: true or 1 for a yes, false or 0 for a no."`
	Found     string            `yaml:"found" doc:"Path of a value that every answer about a user who has voted holds; an answer about any other has a status of not_voted."`
	Voters    *VotersEntry      `yaml:"voters" doc:"The answer lists those who voted: a user among them has voted, any other has not."`
	While     string            `yaml:"while" doc:"Path of a value that the answer holds only as long as a vote counts; without it a yes is a no."`
	NotVoted  []int             `yaml:"not_voted" doc:"Statuses that mean no."`
	VotedAt   Times             `yaml:"voted_at" doc:"When the user voted; of several times the latest."`
	Until     Times             `yaml:"until" doc:"Until when the vote counts; of several times the latest."`
	Weight    string            `yaml:"weight" doc:"Path of how many votes the vote counts for."`
	Window    string            `yaml:"window" doc:"How long a vote counts, where the list documents it: hours such as 12h, or day, month or quarter for the current one (in UTC)."`
	Limits    []LimitEntry      `yaml:"limits" doc:"The list's rate limits on these calls; those per address under post count these calls too."`
	Wait      []WaitEntry       `yaml:"wait" doc:"Where a refusal says how long to wait; Retry-After in seconds or as a date when absent."`
	Otherwise *VotesOtherwise   `yaml:"otherwise" doc:"A second way to ask, for tokens that the first does not know."`
}

// VotesOtherwise is a second way to ask. Limits and waits are those of the first.
type VotesOtherwise struct {
	On         []int `yaml:"on" required:"true" doc:"Statuses of the first way's answer at which this one is tried, once."`
	VotesEntry `inline:"true" without:"limits,wait,otherwise"`
}

// VotersEntry says how an answer lists those who voted.
type VotersEntry struct {
	In     string  `yaml:"in" doc:"Path of the array; the answer itself when absent."`
	User   string  `yaml:"user" doc:"Path of the user's id in an item; an item is the id itself when absent."`
	Time   *TimeAt `yaml:"time" doc:"When the user of an item voted: a path in the item."`
	Newest int64   `yaml:"newest" doc:"How many of the newest voters the list shows at most; all when absent."`
}

// Times is one place of a time or several.
type Times []TimeAt

// OneOrMany lets a single place stand for a list of one.
func (Times) OneOrMany() {}

// TimeAt is where an answer or a webhook holds a time, and how it is written.
type TimeAt struct {
	Path string `yaml:"path" required:"true" doc:"Path of the time: dots nest, [] goes through an array."`
	Unit string `yaml:"unit" enum:"iso,unix,unix_ms,http,left" doc:"How the time is written: ISO 8601 (when absent), the Unix time in seconds or milliseconds, a date as in HTTP headers, or the time left as an object of hours, minutes and seconds."`
}

// SetScalar lets a bare string stand for a time in ISO 8601.
func (t *TimeAt) SetScalar(path string) { t.Path = path }

// WebhookEntry says how a list tells of votes: what proves that a request is
// the list's, and where its body has what.
type WebhookEntry struct {
	Secret      string         `yaml:"secret" enum:"own,token" doc:"Which secret proves a request: one of the webhook's own (when absent), or the token that counts are posted with."`
	Settings    *SettingsEntry `yaml:"settings" doc:"Where a person sets the webhook up, for the table in docs/votes.md and for explain."`
	Window      string         `yaml:"window" doc:"How long a vote counts, as under votes; what stands there when absent."`
	WebhookForm `inline:"true"`
	Otherwise   *WebhookForm `yaml:"otherwise" doc:"A second form of requests: those that carry a proof of this form, and none of the first."`
}

// SettingsEntry says where a person sets a webhook up.
type SettingsEntry struct {
	Where  string `yaml:"where" required:"true" doc:"Where in the list's pages the address goes, in words."`
	Page   string `yaml:"page" required:"true" doc:"URL of the page that says so."`
	Secret string `yaml:"secret" enum:"owner,list" doc:"Who makes a secret of the webhook's own: the bot's owner types one in, or the list shows one. When absent, nothing documents it."`
}

// WebhookForm is one form of a list's webhooks. Paths are names joined by dots;
// where there are several, the first that holds a value counts.
type WebhookForm struct {
	Proof         Proofs           `yaml:"proof" doc:"What proves that a request is the list's, the strongest first: a request that carries it is judged by it alone. When absent the list proves nothing, and the address that it is given carries ?secret=…"`
	Kind          *KindEntry       `yaml:"kind" doc:"What the request is about; when absent, each is about a vote."`
	Ignored       []IgnoredEntry   `yaml:"ignored" doc:"Conditions under which a request is ignored, because it is not about a vote for a bot."`
	User          Names            `yaml:"user" doc:"The user's snowflake, as a string or a number."`
	Bot           Names            `yaml:"bot" doc:"The bot's snowflake, as a string or a number; when absent, or where a request lacks it, the bot of the address counts."`
	BotHeader     string           `yaml:"bot_header" doc:"Name of a header with the bot's snowflake."`
	Test          Flags            `yaml:"test" doc:"Flags that mark a vote as a test."`
	Removed       Flags            `yaml:"removed" doc:"What says that a vote was taken back."`
	Weight        Names            `yaml:"weight" doc:"How many votes the vote counts for."`
	Weights       map[string]int64 `yaml:"weights" doc:"How many votes a vote of a kind counts for."`
	Weekend       Names            `yaml:"weekend" doc:"Flag that says whether the vote was made on a weekend."`
	WeekendWeight int64            `yaml:"weekend_weight" doc:"How many votes a vote on a weekend counts for, where the list documents it."`
	Time          Times            `yaml:"time" doc:"When the user voted."`
	TimeHeader    string           `yaml:"time_header" doc:"Name of the header that holds when the user voted, as a Unix time; it must be the timestamp of a proof."`
	Until         Times            `yaml:"until" doc:"Until when the vote counts."`
	ID            Names            `yaml:"id" doc:"The list's id of the vote, the same whenever the vote is sent."`
	IDHeader      string           `yaml:"id_header" doc:"Name of a header with an id of the vote or its delivery, which no proof covers."`
}

// Proofs is one proof or several.
type Proofs []ProofEntry

// OneOrMany lets a single proof stand for a list of one.
func (Proofs) OneOrMany() {}

// ProofEntry is one thing that proves that a request is a list's.
type ProofEntry struct {
	Kind      string `yaml:"kind" required:"true" enum:"jwt,timestamped,signature,header,query" doc:"jwt: the whole body is an HS256 JWT. timestamped: HMAC-SHA256 of the timestamp, a dot and the body, in hex, with a tolerance of 300 seconds. signature: HMAC-SHA256 of the body, in hex. header: the secret in a header. query: the secret in the address."`
	Name      string `yaml:"name" doc:"Name of the header or parameter; Authorization for a header and secret for a parameter when absent."`
	Prefix    string `yaml:"prefix" doc:"What stands before a signature or a secret, such as \"sha256=\" or \"Bearer \"."`
	Timestamp string `yaml:"timestamp" doc:"Name of the header that holds the timestamp (Unix time in seconds) of a timestamped signature; when absent, timestamp and signature stand in one header as t=…,v1=…"`
}

// KindEntry says what a request is about. Kinds are compared in any case; one
// that is named nowhere is ignored.
type KindEntry struct {
	Path    string `yaml:"path" required:"true" doc:"Path of the kind."`
	Votes   Names  `yaml:"votes" doc:"Kinds that are votes."`
	Tests   Names  `yaml:"tests" doc:"Kinds that are tests."`
	Removed Names  `yaml:"removed" doc:"Kinds that take a vote back."`
}

// IgnoredEntry is a condition under which a request is ignored. Exactly one of
// is, not and present is given.
type IgnoredEntry struct {
	Path    string `yaml:"path" required:"true" doc:"Path of the value."`
	Is      any    `yaml:"is" doc:"Ignored where the value is this: a string, a whole number, true or false, compared as JSON."`
	Not     any    `yaml:"not" doc:"Ignored where the value is anything else, or absent."`
	Present bool   `yaml:"present" doc:"Ignored where there is any value but null."`
	As      string `yaml:"as" required:"true" doc:"The word that answers the list, in \"ignored\"."`
}

// Flags is one flag or several; one that holds is enough.
type Flags []FlagEntry

// OneOrMany lets a single flag stand for a list of one.
func (Flags) OneOrMany() {}

// FlagEntry is a flag in a webhook.
type FlagEntry struct {
	Path    string `yaml:"path" required:"true" doc:"Path of the flag."`
	Is      any    `yaml:"is" doc:"Value with which the flag holds, compared as JSON; true or 1 when absent."`
	Present bool   `yaml:"present" doc:"The flag holds where there is any value but null."`
}

// SetScalar lets a bare string stand for a flag that holds with true or 1.
func (f *FlagEntry) SetScalar(path string) { f.Path = path }
