package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// reportedEntry is an entry that takes reports. Tests change a line of it.
const reportedEntry = `
lists:
  mine.test:
    name: Mine
    url: "https://mine.test/"
    post:
      url: "https://api.mine.test/bots/:id/stats"
      fields: {server_count: guilds}
    commands:
      url: "https://api.mine.test/bots/:id/commands"
      method: PUT
      fields: {commands: commands}
      most: {commands: 1}
      limits: [{per: bot, requests: 1, seconds: 3600}]
    errors:
      url: "https://api.mine.test/error"
      credential: bridge_key
      auth: {prefix: "Bridge "}
      fields: {message: text}
    vote_totals:
      url: "https://api.mine.test/bots/:id/total"
      read: {total: votes}
    developer:
      url: "https://api.mine.test/developers/:name"
`

// TestTryReport tries one part of an entry, with values that the owner gives.
func TestTryReport(t *testing.T) {
	t.Parallel()
	const command = `{"name":"ban","type":1,"description":"Bans"}`
	commands, ban := `{"commands":[`+command+`]}`, `{"commands":[`+command+`]}`
	for _, tt := range []struct {
		name, entry, values string
		args                []string
		want, says          string
		code, sent          int
	}{
		{"commands", "", commands, []string{"--report", "commands"},
			"commands ok", "200 {\"success\":true}\n  PUT https://api.mine.test/bots/" + tryBot + "/commands\n", exitDone, 1},
		{"what is sent", "", commands, []string{"--report", "commands"}, "commands ok", "\n  " + ban + "\n", exitDone, 1},
		{"more than it takes", "", `{"commands":[` + command + "," + command + `]}`, []string{"--report", "commands"},
			"commands FAILED", "Too many: takes 1", exitFailed, 0},
		{"the bridge key", "", `{"message":"it broke"}`, []string{"--report", "errors"}, "errors ok", "  Authorization: Bridge ***\n", exitDone, 1},
		{"a wrong field", strings.Replace(reportedEntry, "message: text", "message: words", 1), `{"message":"it broke"}`, []string{"--report", "errors"},
			"errors FAILED", "words", exitFailed, 1},
		{"totals", "", "", []string{"--report", "vote_totals"}, "vote_totals ok", "total 1337\n", exitDone, 1},
		{"a developer", "", "", []string{"--report", "developer", "--developer", "someone"}, "developer ok", "GET https://api.mine.test/developers/someone\n", exitDone, 1},
		{"what the entry lacks", "", `{"online":true}`, []string{"--report", "heartbeat"}, "heartbeat FAILED", "No heartbeats API", exitFailed, 0},
		{"no values", "", "", []string{"--report", "errors"}, "", "--values: 'message' is required", exitUsage, 0},
		{"a wrong value", "", `{"message":7}`, []string{"--report", "errors"}, "", "'message' must be a string", exitUsage, 0},
		{"another value", "", `{"message":"it broke","mesage":"it broke"}`, []string{"--report", "errors"}, "", `"mesage" is no value of errors`, exitUsage, 0},
		{"no JSON", "", `[`, []string{"--report", "errors"}, "", "values.json: ", exitUsage, 0},
		{"no kind", "", "", []string{"--report", "comands"}, "", `unknown kind of report "comands", did you mean "commands"?`, exitUsage, 0},
		{"values without a kind", "", commands, nil, "", "--values and --developer go with --report", exitUsage, 0},
		{"no developer", "", "", []string{"--report", "developer"}, "", "--developer goes with --report developer", exitUsage, 0},
		{"a developer of no other kind", "", "", []string{"--report", "vote_totals", "--developer", "someone"}, "", "--developer goes with --report developer", exitUsage, 0},
		{"a name that is none", "", "", []string{"--report", "developer", "--developer", "a/b"}, "", "--developer must be", exitUsage, 0},
		{"votes beside it", "", "", []string{"--report", "vote_totals", "--user", someVoter}, "", "--report and --user do not go together", exitUsage, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			box, transport := newSandbox(t, reportedEntry)
			if tt.entry == "" {
				tt.entry = reportedEntry
			}
			args := append([]string{write(t, "mine.yaml", tt.entry), "--list", "mine.test", "--bot", tryBot, "--token-file", "-"}, tt.args...)
			if tt.values != "" {
				args = append(args, "--values", write(t, "values.json", tt.values))
			}
			if tt.args == nil {
				args = append(args, "--servers", "7")
			}
			out, errOut, code := tried(t, transport, nil, args...)
			if got := results(out); got != tt.want || !strings.Contains(out+errOut, tt.says) || code != tt.code {
				t.Errorf("exit %d, %s\nwant %d, %s, and %q in\n%s%s", code, got, tt.code, tt.want, tt.says, out, errOut)
			}
			if got := len(box.Posts("mine.test")); got != tt.sent {
				t.Errorf("the list was asked %d times, want %d", got, tt.sent)
			}
		})
	}
}

// TestTryReportIsHeld tries a report twice that the list takes once an hour: the
// second time it is not asked.
func TestTryReportIsHeld(t *testing.T) {
	t.Parallel()
	box, transport := newSandbox(t, reportedEntry)
	args := []string{
		write(t, "mine.yaml", reportedEntry), "--list", "mine.test", "--bot", tryBot, "--token-file", "-", "--store", "sqlite:" + filepath.Join(t.TempDir(), "state.db"),
		"--report", "commands", "--values", write(t, "values.json", `{"commands":[{"name":"ban"}]}`),
	}
	for _, want := range []string{"commands ok", "commands held"} {
		if out, errOut, code := tried(t, transport, nil, args...); results(out) != want || code != exitDone {
			t.Errorf("exit %d, want %s\n%s%s", code, want, out, errOut)
		}
	}
	if got := len(box.Posts("mine.test")); got != 1 {
		t.Errorf("the list was asked %d times, want 1", got)
	}
}
