package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretText is the value of a flag that is a secret, or may hold one. What is not
// given is read from a file too, see setFromEnvironment.
type secretText struct{ value *string }

func secretVar(set *flag.FlagSet, p *string, name, value, usage string) {
	*p = value
	set.Var(secretText{p}, name, usage)
}

// String implements flag.Value.
func (s secretText) String() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set implements flag.Value.
func (s secretText) Set(value string) error {
	*s.value = value
	return nil
}

// secretPath is the value of a flag that names a file which holds secrets. What is
// not given may be a systemd credential.
type secretPath struct{ secretText }

func secretPathVar(set *flag.FlagSet, p *string, name, usage string) {
	*p = ""
	set.Var(secretPath{secretText{p}}, name, usage)
}

// fileFlagSuffix ends the name of a flag that names a file which holds a secret, in
// place of the flag without it, which is the secret itself.
const fileFlagSuffix = "-file"

// fileSuffix ends the name of an environment variable that names a file which
// holds what the variable without it would be set to.
const fileSuffix = "_FILE"

// credentialsVariable is where systemd says in which folder the credentials of a
// service are, each in a file of its name.
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// setFromEnvironment sets each flag that is not given from its environment
// variable. A secret is taken from the file that its variable with _FILE names as
// well, or else from the systemd credential of the flag's name. The error is a
// usageError, or that of a file that cannot be read.
func setFromEnvironment(set *flag.FlagSet, given map[string]bool, getenv func(string) string) error {
	var err error
	set.VisitAll(func(f *flag.Flag) {
		if err == nil {
			err = setOne(set, f, given, getenv)
		}
	})
	return err
}

// setOne sets one flag, unless it is given or the environment says nothing of it.
func setOne(set *flag.FlagSet, f *flag.Flag, given map[string]bool, getenv func(string) string) error {
	value, from, err := setting(set, f, given, getenv)
	if err != nil || value == "" || given[f.Name] {
		return err
	}
	values := []string{value}
	if _, several := f.Value.(*files); several {
		values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
		for i, v := range values {
			values[i] = strings.TrimSpace(v)
		}
	}
	for _, v := range values {
		if err := set.Set(f.Name, v); err != nil {
			return usagef("%s: %w", from, err)
		}
	}
	return nil
}

// setting returns what the environment sets a flag to, "" for nothing, and what of
// the environment does.
func setting(set *flag.FlagSet, f *flag.Flag, given map[string]bool, getenv func(string) string) (value, from string, err error) {
	from = variable(f.Name)
	value = strings.TrimSpace(getenv(from))
	if value != "" && getenv(from+fileSuffix) != "" && isSecret(f) {
		return "", "", givenTwice(from)
	}
	if value != "" || given[f.Name] {
		return value, from, nil
	}
	switch f.Value.(type) {
	case secretText:
		if byFile := f.Name + fileFlagSuffix; set.Lookup(byFile) != nil && (given[byFile] || getenv(from+fileSuffix) != "") {
			return "", "", nil // that flag says it
		}
		if value, err = secretOfFile(from, getenv); value != "" || err != nil {
			return value, from + fileSuffix, err
		}
		from = "the credential " + f.Name
		if path := credential(f.Name, getenv); path != "" {
			if value, err = readSecret(path); err != nil {
				err = fmt.Errorf("%s: %w", from, err)
			}
		}
	case secretPath:
		value, from = credential(f.Name, getenv), "the credential "+f.Name
	}
	return value, from, err
}

// isSecret reports whether a flag's value is a secret itself.
func isSecret(f *flag.Flag) bool {
	_, ok := f.Value.(secretText)
	return ok
}

// givenTwice returns the error of a secret for which two variables are set.
func givenTwice(name string) error {
	return usagef("%s and %s%s are both set: one of them is enough", name, name, fileSuffix)
}

// secretOfFile returns the secret in the file that the variable of a name with
// _FILE names, "" where that is not set.
func secretOfFile(name string, getenv func(string) string) (string, error) {
	path := getenv(name + fileSuffix)
	if path == "" {
		return "", nil
	}
	value, err := readSecret(path)
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", name, fileSuffix, err)
	}
	return value, nil
}

// secretSetting returns the secret that a variable is set to, or that is in the
// file which the variable with _FILE names; "" for none.
func secretSetting(name string, getenv func(string) string) (string, error) {
	value := strings.TrimSpace(getenv(name))
	if value == "" {
		return secretOfFile(name, getenv)
	}
	if getenv(name+fileSuffix) != "" {
		return "", givenTwice(name)
	}
	return value, nil
}

// credential returns the path of a systemd credential, "" if there is none.
func credential(name string, getenv func(string) string) string {
	folder := getenv(credentialsVariable)
	if folder == "" {
		return ""
	}
	path := filepath.Join(folder, name)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path // what else is wrong with it, reading it says
}

// maxSecret bounds what is read of a file with one secret in it, in bytes.
const maxSecret = 64 << 10

// readSecret returns what a file holds, without a line break at its end. The error
// names the file, and nothing that it holds.
func readSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	value := cutLineBreak(string(data))
	switch {
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s holds more than %d bytes", path, maxSecret)
	case value == "":
		return "", fmt.Errorf("%s is empty", path)
	}
	return value, nil
}

// cutLineBreak returns a text without the line break at its end.
func cutLineBreak(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}
