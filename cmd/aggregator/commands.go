package main

import "flag"

// command is one of the program's commands.
type command struct {
	name      string // one word, or two for one of a group, such as "hooks send"
	operand   string // what follows the name, such as "LIST", or "[lift ID]", which may be left out; "" for nothing
	summary   string
	arguments []explanation // of the operand's words in capital letters
	settings  []explanation // environment variables that it reads beside those of its flags
	example   string        // what follows the program's name
	// define defines the command's flags and returns what it does once they are
	// set. It is given what stands where the operand does, a word for each of its.
	define func(fs *flag.FlagSet) action
}

// explanation says what a word of the help stands for.
type explanation struct{ word, meaning string }

// section is a part of the general help.
type section struct {
	title    string
	commands []command
}

// commands returns the program's commands, in the order of the help.
func commands() []command {
	var all []command
	for _, s := range sections() {
		all = append(all, s.commands...)
	}
	return all
}

// The environment variables that several commands read.
var (
	keySetting   = explanation{keyVariable("list.example"), "your key for list.example, as in --list-keys; each list that must be read with a key has such a variable, and one with _FILE after it for a file"}
	proxySetting = explanation{"HTTPS_PROXY, NO_PROXY", "the proxy for calls to lists, and the hosts that are called without it"}
	stateSetting = explanation{"XDG_STATE_HOME", "folder of the default --store; ~/.local/state if not set (macOS: ~/Library/Application Support, Windows: %LOCALAPPDATA%)"}

	colourSetting = explanation{"NO_COLOR, TERM", "whatever NO_COLOR holds, there are no colours; TERM=dumb stands for that and for no lines that are written over"}
)

// sections returns the program's commands as the general help groups them.
func sections() []section {
	return []section{
		{"To look around", []command{
			{
				name: "demo", summary: "run the service on a sandbox of all lists, and post to every one",
				settings: []explanation{keySetting}, example: "demo --once", define: demo,
			},
			{
				name: "lists", summary: "show the catalog as a table, all of it or the lists that are asked for",
				example: "lists --living --takes-counts --has-votes", define: showLists,
			},
			{
				name: "explain", operand: "[LIST]", summary: "print what a list is sent and where its answers are read",
				arguments: []explanation{{"LIST", "id of a list, such as list.example; a former id will do"}},
				example:   "explain list.example", define: explain,
			},
			{
				name: "bot", operand: "ID", summary: "read a bot from every list, without a service",
				arguments: []explanation{{"ID", "the bot's id, its Discord snowflake"}},
				settings:  []explanation{keySetting, stateSetting, colourSetting, proxySetting},
				example:   "bot 123456789012345678", define: readBot,
			},
			{
				name: "voted", operand: "BOT USER", summary: "ask lists whether a user has voted for a bot, without a service",
				arguments: []explanation{{"BOT", "the bot's id, its Discord snowflake"}, {"USER", "the user's, the same"}},
				settings:  []explanation{stateSetting, colourSetting, proxySetting},
				example:   "voted 123456789012345678 223456789012345678 --tokens tokens.yaml", define: voted,
			},
		}},
		{"To post the counts of your bots", []command{
			{
				name: "post", summary: "post a count to every list that you have a token for, without a service",
				settings: []explanation{stateSetting, colourSetting, proxySetting},
				example:  "post --bot 123456789012345678 --count 1234 --tokens tokens.yaml", define: postCount,
			},
			{
				name: "commands push", operand: "[FILE]", summary: "upload the bot's commands to every list that takes them, without a service",
				arguments: []explanation{{"FILE", "the commands, as Discord's GET /applications/ID/commands returns them; - for standard input; Discord is asked if not given"}},
				settings: []explanation{
					{variable(discordToken), "the bot's Discord token itself; no flag takes it, for other users would see it there"}, stateSetting, colourSetting, proxySetting,
				},
				example: "commands push --bot 123456789012345678 --tokens tokens.yaml --discord-token-file discord-token", define: pushCommands,
			},
			{
				name: "agent", summary: "post the counts of your own bots by itself, without the HTTP side",
				settings: []explanation{proxySetting}, example: "agent --bots bots.yaml --once", define: runAgent,
			},
		}},
		{"To run the service", []command{
			{
				name: "serve", summary: "run the service",
				settings: []explanation{keySetting, proxySetting, {"GOGC, GOMEMLIMIT", "settings of Go's garbage collector, in place of those that follow from --memory"}},
				example:  "serve --listen :8080 --store sqlite:aggregator.db", define: serve,
			},
			{
				name: "health", summary: "ask a running service whether it is well, as the checks of containers do",
				settings: []explanation{{"HTTPS_PROXY, NO_PROXY", "the proxy on the way to --url, and the hosts that are asked without it"}},
				example:  "health --url https://lists.example", define: askHealth,
			},
			{
				name: "holds", operand: "[lift ID]", summary: "show what a running service holds back from lists, or lift one of the holds",
				arguments: []explanation{{"ID", "id of a hold to lift, as the command shows it without arguments"}},
				example:   "holds --list list.example --admin unix:/run/aggregator-admin.sock", define: holds,
			},
			{
				name: "backup", operand: "FILE", summary: "copy the store of a running service to FILE",
				arguments: []explanation{{"FILE", "file to write, which must not be there yet; put in the place of the store's file it restores it"}},
				example:   "backup aggregator-backup.db --admin unix:/run/aggregator-admin.sock", define: backup,
			},
		}},
		{"To describe lists", []command{
			{
				name: "check", summary: "check the lists files and the legacy ids",
				example: "check --lists builtin --lists my-list.yaml", define: check,
			},
			{
				name: "try", operand: "FILE", summary: "try an entry of FILE on the list's live API",
				arguments: []explanation{{"FILE", "lists file with the entry, which is laid over the built-in lists"}},
				settings:  []explanation{stateSetting, proxySetting},
				example:   "try my-list.yaml --list list.example --bot 123456789012345678 --servers 1234 --token-file token.txt", define: try,
			},
			{
				name: "import botblock", operand: "DIR", summary: "compare the open data of BotBlock with the catalog, and take facts over",
				arguments: []explanation{{"DIR", "folder of a checkout of the data, in which lists/ID.json are, or data/lists/ID.json"}},
				example:   "import botblock botblock-data --lists lists.yaml --lists lists_defunct.yaml --write", define: importBotblock,
			},
			{
				name: "schema", summary: "print the format of lists files: a JSON Schema for editors, or a page",
				example: "schema > lists.schema.json", define: schema,
			},
		}},
		{"To try out votes", []command{
			{
				name: "hooks listen", summary: "take votes at an endpoint for trying out: check each signature, and print a line",
				example: "hooks listen --port 9000 --secret-file secret.txt", define: hooksListen,
			},
			{
				name: "hooks send", operand: "LIST", summary: "send a webhook as LIST does, signed, of a test vote or a real one",
				arguments: []explanation{{"LIST", "id of a list that sends votes, such as list.example; a former id will do"}},
				settings:  []explanation{proxySetting},
				example:   "hooks send list.example --to http://localhost:8080/hooks/123456789012345678/list.example --secret-file secret.txt", define: hooksSend,
			},
		}},
		{"About the program", []command{
			{name: "version", summary: "print which build of the program this is", example: "version", define: printVersion},
		}},
	}
}
