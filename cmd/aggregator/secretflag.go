package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"aggregator/agent"
)

// secretFlag is a secret of the command line: --NAME-file, or --NAME, which other
// users see.
type secretFlag struct {
	name        string // such as "token"
	value, file string
}

// add adds the flags. what says in the help of --NAME-file what the file holds.
func (f *secretFlag) add(fs *flag.FlagSet, what string) {
	fs.StringVar(&f.file, f.name+fileFlagSuffix, "", "`FILE` with "+what)
	secretVar(fs, &f.value, f.name, "", fmt.Sprintf("`%s` itself; rather use %s or --%s-file, for other users see this one in the list of processes", strings.ToUpper(f.name), variable(f.name), f.name))
}

// check returns a usageError unless the secret is given once. It warns where
// other users may see it.
func (f *secretFlag) check(env environment) error {
	switch {
	case f.file != "" && f.value != "":
		return usagef("the %s is given twice: by --%s-file, and by --%s or %s", f.name, f.name, f.name, variable(f.name))
	case f.file == "" && f.value == "":
		return usagef("the %s is missing: --%s-file FILE, or %s", f.name, f.name, variable(f.name))
	}
	if env.given[f.name] {
		_, _ = fmt.Fprintf(env.errOut, "warning: other users see --%s in the list of processes (ps); use --%s-file or %s\n", f.name, f.name, variable(f.name))
	}
	return nil
}

// read returns the secret, from its file where that is given. A last line break
// is cut.
func (f *secretFlag) read(env environment) (string, error) {
	if f.file == "" {
		return f.value, nil
	}
	data, err := readFileOrInput(env, f.file)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(f.file); err == nil && info.Mode().IsRegular() && agent.OthersMayRead(info.Mode()) {
		_, _ = fmt.Fprintf(env.errOut, "warning: %s: holds a secret and may be read by others; chmod 600 it\n", f.file)
	}
	return cutLineBreak(string(data)), nil
}

// maxShort bounds a file that holds a secret or a number and no more, in bytes.
const maxShort = 64 << 10

// readFileOrInput reads a short file, or standard input for "-".
func readFileOrInput(env environment, name string) ([]byte, error) {
	from := env.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // nothing was written
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxShort+1))
	if err == nil && len(data) > maxShort {
		err = fmt.Errorf("%s is too large; at most %d bytes are allowed", name, maxShort)
	}
	return data, err
}
