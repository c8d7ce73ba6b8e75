package main

import (
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aggregator/lists"
)

// numberFlag is a flag of a number that a count can hold.
type numberFlag struct{ to **int64 }

func (f numberFlag) String() string {
	if f.to == nil || *f.to == nil {
		return ""
	}
	return strconv.FormatInt(**f.to, 10)
}

// Set implements flag.Value.
func (f numberFlag) Set(value string) error {
	n, err := parseNumber(value)
	if err == nil {
		*f.to = &n
	}
	return err
}

// parseNumber returns a number that a count can hold.
func parseNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > lists.MaxNumber {
		return 0, fmt.Errorf("want a whole number from 0 to %d", int64(lists.MaxNumber))
	}
	return n, nil
}

// numbersFlag is a flag of numbers with commas between them.
type numbersFlag struct{ to *[]int64 }

func (f numbersFlag) String() string {
	if f.to == nil {
		return ""
	}
	all := make([]string, len(*f.to))
	for i, n := range *f.to {
		all[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(all, ",")
}

// Set implements flag.Value.
func (f numbersFlag) Set(value string) error {
	*f.to = nil
	for text := range strings.SplitSeq(value, ",") {
		n, err := parseNumber(text)
		if err != nil {
			return fmt.Errorf("want whole numbers with commas between them, such as 320,310")
		}
		*f.to = append(*f.to, n)
	}
	return nil
}

// addNumbers adds a flag for each optional value of a count: --shard-count for
// shard_count.
func addNumbers(fs *flag.FlagSet, c *lists.Count) {
	fs.Var(numbersFlag{&c.Shards}, "shards", "server `COUNTS` of all shards, in their order, with commas between them, for lists that take these")
	for v, usage := range numberUsages {
		fs.Var(numberFlag{v.Optional(c)}, flagName(v.String()), usage)
	}
}

// numberUsages say what the flags of a count's optional values are for.
var numberUsages = map[lists.Value]string{
	lists.ShardID:          "`NUMBER` of the shard, from 0, where --count is that of one shard alone",
	lists.ShardCount:       "`NUMBER` of shards that the bot has",
	lists.UserCount:        "`NUMBER` of users that the bot sees",
	lists.VoiceConnections: "`NUMBER` of voice channels that the bot is in",
}

// flagName returns the flag of a field of a request.
func flagName(field string) string {
	switch field {
	case lists.ServerCount.String():
		return "count"
	case "bot_id":
		return "bot"
	}
	return strings.ReplaceAll(field, "_", "-")
}

var fieldInWords = regexp.MustCompile(`'([a-z_]+)'`)

// inFlags returns what is wrong with a request in the words of the command line:
// 'shard_id' is --shard-id there.
func inFlags(message string) string {
	return fieldInWords.ReplaceAllStringFunc(message, func(field string) string { return "--" + flagName(strings.Trim(field, "'")) })
}
