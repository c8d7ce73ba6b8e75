package agent

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"aggregator/rawjson"
)

// Bounds on a message to a Discord webhook.
const (
	maxContent = 2000 // characters that Discord takes
	maxNamed   = 10   // bots that one message names
	maxName    = 100  // bytes of a bot's name
)

// discordMessage returns what a Discord webhook is sent: what one message says
// of some bots.
func discordMessage(all []said) []byte {
	b := append([]byte(nil), '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "content"), content(all))
	b = append(rawjson.AppendKey(b, "allowed_mentions"), `{"parse":[]}`...)
	return append(b, '}')
}

// content returns a message in words, cut at a line where it is too long.
func content(all []said) string {
	others := ""
	if n := len(all) - maxNamed; n > 0 {
		all = all[:maxNamed]
		others = "\nand " + strconv.Itoa(n) + " other " + plural("bot", n)
	}
	var lines []string
	for _, s := range all {
		lines = append(lines, oneLine(s.bot.shortName()))
		for _, p := range s.problems {
			lines = append(lines, "- "+p.line())
		}
	}
	const more = "\n…"
	room := maxContent - length(others) - length(more)
	text := ""
	for i, line := range lines {
		if i > 0 {
			line = "\n" + line
		}
		if length(text)+length(line) > room {
			if i == 0 {
				return cut(line, room) + others
			}
			return text + more + others
		}
		text += line
	}
	return text + others
}

// line returns what is wrong, or well again, in one line.
func (p problem) line() string {
	if p.Solved {
		return "Well again: " + oneLine(p.Text)
	}
	return oneLine(p.Text) + " (since " + shownTime(p.Since) + ")"
}

// shortName returns what messages call the bot, whose name may be of any length.
func (b *Bot) shortName() string {
	short := *b
	short.Name = cut(b.Name, maxName)
	return short.String()
}

// length returns how many characters a text has, as Discord counts them at most.
func length(text string) int { return len(utf16.Encode([]rune(text))) }

// oneLine returns a text without line breaks and other control characters.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }), " ")
}

func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// noticeMessage returns what any other URL is sent: what one message says of one
// bot.
func noticeMessage(s said, now time.Time) []byte {
	b := append([]byte(nil), '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "type"), "notice")
	b = appendTime(rawjson.AppendKey(b, "timestamp"), now)
	b = append(rawjson.AppendKey(b, "data"), '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "bot_id"), s.bot.ID)
	b = appendTextOrNull(rawjson.AppendKey(b, "name"), s.bot.Name)
	for _, part := range []struct {
		name   string
		solved bool
	}{{"problems", false}, {"solved", true}} {
		b = append(rawjson.AppendKey(b, part.name), '[')
		for _, p := range s.problems {
			if p.Solved == part.solved {
				b = p.append(rawjson.AppendComma(b))
			}
		}
		b = append(b, ']')
	}
	return append(b, "}}"...)
}

// append writes the problem as JSON.
func (p problem) append(b []byte) []byte {
	b = append(b, '{')
	b = rawjson.AppendString(rawjson.AppendKey(b, "what"), p.What)
	b = appendTextOrNull(rawjson.AppendKey(b, "list"), p.List)
	b = appendTime(rawjson.AppendKey(b, "since"), p.Since)
	b = rawjson.AppendString(rawjson.AppendKey(b, "text"), p.Text)
	return append(b, '}')
}

// appendTextOrNull writes a text, null for "".
func appendTextOrNull(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return rawjson.AppendString(b, text)
}

// appendTime writes a time in UTC, in whole seconds; null for the zero one.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return rawjson.AppendString(b, t.UTC().Format(time.RFC3339))
}
