package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// resolver finds what the values of bots.yaml stand for: ${NAME} for an
// environment variable, @path for a file, anything else for itself.
type resolver struct {
	dir      string // of bots.yaml, where relative paths begin
	getenv   func(string) string
	formOnly bool                     // references are checked for their form and not followed
	madeUp   func(name string) string // as in LoadOptions

	open []string // files followed that others may read
}

// resolved is what a value stands for. The zero resolved is unknown: a fault
// was reported, or references are not followed.
type resolved struct {
	text    string
	known   bool
	literal bool // it stood in bots.yaml itself
}

// variable matches a reference to an environment variable.
var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

const howToRefer = "write ${NAME} for an environment variable, @path for a file"

// resolve returns what a value stands for, or what is wrong with it. No fault
// repeats a value; those of references name the variable or the file.
func (r *resolver) resolve(value text) (resolved, error) {
	s := string(value)
	switch {
	case strings.HasPrefix(s, "$$"), strings.HasPrefix(s, "@@"):
		return r.literal(s[1:], s[2:])
	case strings.HasPrefix(s, "$"):
		m := variable.FindStringSubmatch(s)
		if m == nil {
			return resolved{}, errors.New("begins with $ and is no reference; " + howToRefer + ", $$ for a text that begins with $")
		}
		return r.variable(m[1])
	case strings.HasPrefix(s, "@"):
		return r.file(s[1:])
	}
	return r.literal(s, s)
}

// literal takes a value as it stands. Only the part after a doubled sign is
// looked at for references.
func (r *resolver) literal(s, rest string) (resolved, error) {
	if strings.Contains(rest, "${") {
		return resolved{}, errors.New("holds ${ within a text, where it stands for nothing; " + howToRefer + " as the whole value (a file may hold any text)")
	}
	value, err := checked(s, "")
	value.literal = value.known
	return value, err
}

func (r *resolver) variable(name string) (resolved, error) {
	if r.formOnly {
		return resolved{}, nil
	}
	value := r.getenv(name)
	if value == "" && r.madeUp != nil {
		value = r.madeUp(name)
	}
	if value == "" {
		return resolved{}, fmt.Errorf("the environment variable %s is not set, or empty; set it, or %s", name, howToRefer)
	}
	return checked(value, "the environment variable "+name+" ")
}

// maxSecretFile bounds what is read of a file with one secret in it.
const maxSecretFile = 64 << 10

func (r *resolver) file(path string) (resolved, error) {
	if strings.TrimSpace(path) == "" {
		return resolved{}, errors.New("names no file; write @path, or @@ for a text that begins with @")
	}
	if r.formOnly {
		return resolved{}, nil
	}
	name := path
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	data, mode, err := readFile(path, maxSecretFile)
	if errors.Is(err, fs.ErrNotExist) && r.madeUp != nil {
		return checked(r.madeUp(name), "the file "+path+" ")
	}
	if err != nil {
		return resolved{}, fmt.Errorf("the file %s %s; write @path of a file, or @@ for a text that begins with @", path, reason(err))
	}
	if OthersMayRead(mode) {
		r.open = append(r.open, path)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	return checked(value, "the file "+path+" ")
}

// checked returns a value in which a secret can stand; what says in a fault
// whose it is.
func checked(value, what string) (resolved, error) {
	switch {
	case strings.TrimSpace(value) == "":
		return resolved{}, errors.New(what + "is empty; it must hold the value")
	case strings.ContainsAny(value, "\r\n"):
		return resolved{}, errors.New(what + "holds a line break within the value; a value is one line")
	}
	return resolved{text: value, known: true}, nil
}

var (
	errNotRegular = errors.New("is no regular file")
	errTooLarge   = errors.New("is too large")
)

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) (data []byte, mode fs.FileMode, err error) {
	info, err := os.Stat(path) // first: opening a pipe would wait for its writer
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w; at most %d bytes are allowed", errTooLarge, limit)
	}
	return data, info.Mode(), err
}

// reason says in words what follows a file's name why it could not be read.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "may not be read by this process"
	case errors.Is(err, errNotRegular), errors.Is(err, errTooLarge):
		return err.Error()
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return "cannot be read: " + err.Error()
}

// OthersMayRead reports whether others than its owner may use a file of a mode.
// Windows does not say so in a mode.
func OthersMayRead(mode fs.FileMode) bool { return mode&0o077 != 0 && runtime.GOOS != "windows" }
