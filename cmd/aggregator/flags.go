package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"aggregator/internal/near"
)

// parseFlags parses flags and operands, which may stand before, between and
// after them, then sets each flag that is not given as setFromEnvironment does.
// want is how the operands are called, as command.operand; given has
// the flags of the command line. The error is flag.ErrHelp, a usageError, or that
// of a file that cannot be read.
func parseFlags(fs *flag.FlagSet, want string, args []string, getenv func(string) string) (operands []string, given map[string]bool, err error) {
	if operands, err = parsePermuted(fs, args); err != nil {
		return nil, nil, err
	}
	optional := strings.HasPrefix(want, "[")
	words := strings.Fields(strings.Trim(want, "[]"))
	for i, operand := range operands {
		if i >= len(words) || words[i] == strings.ToLower(words[i]) && operand != words[i] {
			return nil, nil, usagef("unexpected argument %q%s", operand, near.Suggestion(operand, words))
		}
	}
	if n := len(operands); n < len(words) && (n > 0 || !optional) {
		return nil, nil, usagef("%s is missing", words[n])
	}
	given = map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return operands, given, setFromEnvironment(fs, given, getenv)
}

// parsePermuted parses flags that stand anywhere among the operands. What
// follows -- is operands alone.
func parsePermuted(fs *flag.FlagSet, args []string) (operands []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, flagError(fs, err)
		}
		rest := fs.Args()
		if len(rest) == 0 {
			return operands, nil
		}
		if read := len(args) - len(rest); read > 0 && args[read-1] == "--" {
			return append(operands, rest...), nil
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
}

const undefinedFlag = "flag provided but not defined: -"

var invalidValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^:]+): (.*)$`)

// flagError returns what the flag package says of a command line in this
// program's words.
func flagError(fs *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, undefinedFlag); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
		return usagef("unknown flag --%s%s", name, near.Suggestion("--"+name, names))
	}
	if parts := invalidValue.FindStringSubmatch(text); parts != nil {
		return usagef("--%s %s: %s", parts[2], parts[1], parts[3])
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return usagef("--%s needs a value", name)
	}
	return usageError{err}
}

// files is a flag that may be given again; in the environment, names are
// comma-separated.
type files []string

func (f *files) String() string { return strings.Join(*f, ",") }

func (f *files) Set(value string) error {
	*f = append(*f, value)
	return nil
}

// prefixes is a flag of address ranges, comma-separated.
type prefixes []netip.Prefix

func (p *prefixes) String() string {
	all := make([]string, len(*p))
	for i, prefix := range *p {
		all[i] = prefix.String()
	}
	return strings.Join(all, ",")
}

func (p *prefixes) Set(value string) error {
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if addr, err := netip.ParseAddr(text); err == nil {
			*p = append(*p, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("%q is not an address range; write it as 10.0.0.0/8 or 2001:db8::/32", text)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// byteSize is a flag of a number of bytes, such as 192MiB.
type byteSize int64

// byteUnits are the units of a byteSize, the longest first.
var byteUnits = []struct {
	name string
	size byteSize
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

func (b *byteSize) String() string {
	for _, u := range byteUnits {
		if *b > 0 && *b%u.size == 0 {
			return fmt.Sprintf("%d%s", *b/u.size, u.name)
		}
	}
	return "0B"
}

func (b *byteSize) Set(value string) error {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(value, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/int64(u.size) {
			break
		}
		*b = byteSize(n) * u.size
		return nil
	}
	return fmt.Errorf("want a size such as 192MiB or 1GiB")
}

// onOff is a flag that is on or off.
type onOff bool

func (o *onOff) String() string {
	if *o {
		return "on"
	}
	return "off"
}

func (o *onOff) Set(value string) error {
	if value != "on" && value != "off" {
		return errors.New("want on or off")
	}
	*o = value == "on"
	return nil
}
