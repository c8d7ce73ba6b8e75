package main

import (
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// newFlags makes a command's flag set. Its own errors go to errOut.
func newFlags(name string, errOut io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("aggregator "+name, flag.ContinueOnError)
	fs.SetOutput(errOut)
	return fs
}

// parse reads flags, and for each that is not given its environment variable:
// AGGREGATOR_LISTEN for --listen.
func parse(fs *flag.FlagSet, args []string, getenv func(string) string) error {
	if err := fs.Parse(args); err != nil {
		if err == flag.ErrHelp { //nolint:errorlint // the flag package returns it as it is
			return err
		}
		return errSaid
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var err error
	fs.VisitAll(func(f *flag.Flag) {
		name := "AGGREGATOR_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := getenv(name)
		if given[f.Name] || value == "" || err != nil {
			return
		}
		values := []string{value}
		if _, several := f.Value.(*files); several {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
		}
		for _, v := range values {
			if e := fs.Set(f.Name, strings.TrimSpace(v)); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	})
	return err
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
			return fmt.Errorf("%q is no address range; write it as 10.0.0.0/8 or 2001:db8::/32", text)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}
