package lists

// ReportsEntry is what a list takes from bots beside their counts, and what it
// tells them beside votes: a part for each kind of report, see Reports. A kind that
// is absent is never sent to the list.
type ReportsEntry struct {
	Commands      *ReportEntry `yaml:"commands" doc:"How a bot's commands are uploaded, as Discord has them."`
	Heartbeat     *ReportEntry `yaml:"heartbeat" doc:"How a bot says that it is online, and how it is."`
	Errors        *ReportEntry `yaml:"errors" doc:"How a bot reports an error."`
	Listing       *ReportEntry `yaml:"listing" doc:"How what the list shows of a bot is changed."`
	Announcements *ReportEntry `yaml:"announcements" doc:"How news of a bot are announced."`
	Analytics     *ReportEntry `yaml:"analytics" doc:"How the use of a bot in a server is reported."`
	Invalidate    *ReportEntry `yaml:"invalidate" doc:"How the token shown is made invalid."`
	VoteTotals    *ReportEntry `yaml:"vote_totals" doc:"How many votes a bot has: where that is read (as a bot is, with the limits of get, when url is absent), and its paths under read."`
	Developer     *ReportEntry `yaml:"developer" doc:"How the status of a developer is read; url may hold :name."`
}

// ReportEntry says how a list takes reports of one kind. What they can hold is the
// table of their kind.
type ReportEntry struct {
	URL        string            `yaml:"url" doc:"Where reports go. May hold :id (the bot's snowflake) and :list_bot_id (the number the list itself gave the bot)."`
	Method     string            `yaml:"method" enum:"GET,POST,PUT,PATCH,DELETE" doc:"HTTP method; POST when absent, or GET for what is only read."`
	Credential string            `yaml:"credential" enum:"token,bridge_key" doc:"Which of a bot's credentials goes out: its token (when absent), or its bridge key, a second one that some lists give out."`
	Begins     string            `yaml:"begins" doc:"What every bridge key begins with, so that one can be told from a token."`
	Auth       *AuthEntry        `yaml:"auth" doc:"Where the credential goes; as under post when absent, or under get for what is only read."`
	Body       string            `yaml:"body" enum:"json,form,query,none" doc:"How fields are encoded; json when absent, none for what sends nothing."`
	Fields     map[string]Names  `yaml:"fields" doc:"Which value goes out under which name: the values of the kind of report, and bot_id and list_bot_id. What is absent does not go out."`
	Whole      string            `yaml:"whole" doc:"The value that is the whole body, in place of fields."`
	Constants  map[string]any    `yaml:"constants" doc:"Fields with one value for everyone."`
	Most       map[string]int64  `yaml:"most" doc:"How much of a value the list takes: characters of a text, which is cut to it, or items of a list, beyond which the report is not sent."`
	OnlyIf     string            `yaml:"only_if" doc:"A flag of the report that must be true, or the list is told nothing."`
	Counts     bool              `yaml:"counts" doc:"A report also sets the count: where a bot has given only the credential that goes out here, its counts go this way."`
	Command    *CommandEntry     `yaml:"command" doc:"Commands go out as objects with these keys, not as Discord has them."`
	Headers    map[string]string `yaml:"headers" doc:"Further request headers; placeholders are filled in."`
	Answer     string            `yaml:"answer" enum:"json,empty,any" doc:"What a success must answer; anything but an HTML page when absent."`
	Success    *SuccessEntry     `yaml:"success" doc:"A flag in the JSON answer that must hold beside a 2xx status."`
	Read       *TotalsEntry      `yaml:"read" doc:"Where an answer holds how many votes a bot has."`
	Limits     []LimitEntry      `yaml:"limits" doc:"The list's rate limits on these reports; those per address under post count them too."`
	Wait       []WaitEntry       `yaml:"wait" doc:"Where a refusal says how long to wait; Retry-After in seconds or as a date when absent."`
}

// CommandEntry names the keys of one command's object, for a list that wants its
// own. Groups of commands are one object.
type CommandEntry struct {
	Name        Names          `yaml:"name" doc:"The command's name."`
	Description Names          `yaml:"description" doc:"Its description; \"\" for commands of a context menu."`
	Usage       Names          `yaml:"usage" doc:"How it is written, such as \"/ban <user> [reason]\"."`
	Args        Names          `yaml:"args" doc:"What follows its name, such as \"<user> [reason]\"."`
	Constants   map[string]any `yaml:"constants" doc:"Keys with one value for every command."`
}

// TotalsEntry says where an answer holds how many votes a bot has.
type TotalsEntry struct {
	Total       string `yaml:"total" doc:"Path of the number of all votes ever."`
	PeriodTotal string `yaml:"period_total" doc:"Path of the number of votes in the current period."`
	Period      string `yaml:"period" enum:"month,quarter" doc:"Which period that is."`
}
