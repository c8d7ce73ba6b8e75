package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"aggregator/aggregate"
	"aggregator/lists"
)

// Words for what became of a list.
const (
	resultOK      = "ok"
	resultFailed  = "FAILED"
	resultHeld    = "held"    // it was not asked now: it would refuse that, or punish it
	resultSkipped = "skipped" // it was not asked
	resultUnknown = "unknown" // it does not know the bot
)

// resultWord returns the word for what a list did.
func resultWord(ok bool) string {
	if ok {
		return resultOK
	}
	return resultFailed
}

// skipWord returns the word for why a list was not asked.
func skipWord(why lists.Skip) string {
	if why.IsHeld() {
		return resultHeld
	}
	return resultSkipped
}

// maxSaid is how much of a list's answer a line shows, in characters.
const maxSaid = 60

// said returns what a list said, in a few words.
func said(status int, text string) string {
	if status == lists.NoAnswer {
		return "no answer: " + shorten(text, maxSaid)
	}
	return fmt.Sprintf("%d %s", status, shorten(text, maxSaid))
}

// whyFailed returns why a call failed, and what the list said, in no more than most
// characters of it.
func whyFailed(why string, status int, text string, most int) string {
	if status == lists.NoAnswer { // why says no more than that
		return "no answer: " + shorten(text, most)
	}
	return fmt.Sprintf("%s: %d %s", why, status, shorten(text, most))
}

// saidOf returns what a list said to a count. Where its status does not tell why
// that is a failure, the reason comes first.
func saidOf(r aggregate.Result) string {
	if !r.OK && r.Status/100 == 2 {
		return r.Why + ": " + said(r.Status, r.Text)
	}
	return said(r.Status, r.Text)
}

// printResults prints what lists said to a count as a table, and returns how many
// accepted it.
func printResults(out io.Writer, results []aggregate.Result, skipped []aggregate.Skipped) (good int) {
	if len(results) > 0 {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "LIST\tRESULT\tIT SAID\tTIME")
		for _, r := range results {
			if r.OK {
				good++
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.List, resultWord(r.OK), saidOf(r), r.Took.Round(10*time.Microsecond))
		}
		_ = w.Flush()
	}
	for _, s := range skipped {
		_, _ = fmt.Fprintf(out, "%s skipped: %s\n", s.ID, s.Why)
	}
	return good
}

// idWidth returns how many characters the longest id has among lists, those included
// that were not asked.
func idWidth(asked []string, skipped []aggregate.Skipped) int {
	width := 0
	for _, id := range asked {
		width = max(width, len(id))
	}
	for _, s := range skipped {
		width = max(width, len(s.ID))
	}
	return width
}

// skip prints that a list was not asked, and why.
func (s *screen) skip(width int, skipped aggregate.Skipped) {
	s.row(width, skipped.ID, skipWord(skipped.Why), skipped.Why.String())
}
