package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"aggregator/catalog"
	"aggregator/internal/botblock"
	"aggregator/internal/near"
)

// importFlags say what is compared, and where what is taken over goes.
type importFlags struct {
	catalogFlags
	only          files
	write, asJSON bool
	words         bool
}

// importBotblock compares BotBlock's open data with the catalog.
func importBotblock(fs *flag.FlagSet) action {
	var f importFlags
	fs.BoolVar(&f.write, "write", false, "take facts over into the files of --lists, in place: comments, dialects and all other lines stay; words (description, content), dialects, and facts of the API of an entry that was checked are not taken over")
	fs.Var(&f.only, "only", "`ID` of the only list to compare, of which facts that were checked are taken over too; may be given again")
	fs.BoolVar(&f.words, "words", false, "show too where nothing but words differs")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON")
	f.catalogFlags.add(fs)
	return func(_ context.Context, env environment, operands []string) error { return f.run(env, operands[0]) }
}

func (f *importFlags) run(env environment, folder string) error {
	if f.write && !slices.ContainsFunc(f.lists, func(name string) bool { return name != builtIn }) {
		return usagef("--write needs --lists FILE, the file to write to")
	}
	read, legacy, err := f.files()
	if err != nil {
		return err
	}
	c, _, err := catalog.Load(read, legacy)
	if err != nil {
		return err
	}
	if _, err := os.Stat(folder); err != nil {
		return err
	}
	data, err := botblock.Read(os.DirFS(folder))
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	if err := f.checkOnly(c, data); err != nil {
		return err
	}
	diff := botblock.Compare(c, data, f.only)
	var written []string
	if f.write {
		if written, err = f.merge(c, read, legacy, data, diff); err != nil {
			return err
		}
	}
	if f.asJSON {
		return printDifferenceJSON(env.out, diff, written)
	}
	return f.print(env.out, data, diff, written)
}

// checkOnly returns a usageError for a list that neither side has.
func (f *importFlags) checkOnly(c *catalog.Catalog, data *botblock.Data) error {
	known := data.Lists()
	for _, l := range c.Lists() {
		known = append(known, l.ID)
	}
	for _, id := range f.only {
		if !slices.Contains(known, id) {
			return usagef("unknown list %q%s", id, near.Suggestion(id, known))
		}
	}
	return nil
}

// merge takes over what is to be, and returns the files that it wrote. It writes
// none that would not pass check.
func (f *importFlags) merge(c *catalog.Catalog, read []catalog.File, legacy catalog.File, data *botblock.Data, diff *botblock.Difference) ([]string, error) {
	all := make([]botblock.File, len(read))
	for i, file := range read {
		all[i] = botblock.File{File: file, Fixed: !slices.Contains(f.lists, file.Name)}
	}
	merged, err := botblock.Merge(c, all, diff)
	if err != nil {
		return nil, err
	}
	next := make([]catalog.File, len(merged))
	for i, file := range merged {
		next[i] = file.File
	}
	checked, _, err := catalog.Load(next, legacy)
	if err != nil {
		return nil, fmt.Errorf("nothing was written, for with these facts the files would be wrong (--only takes over single lists):\n%w", err)
	}
	if _, left, _ := botblock.Compare(checked, data, f.only).Count(); left > 0 {
		return nil, errors.New("nothing was written: a later --lists FILE overrides the one that facts would go to; give that one alone, or last")
	}
	var written []string
	for i, file := range merged {
		if bytes.Equal(file.Data, read[i].Data) {
			continue
		}
		if err := replaceFile(file.Name, file.Data); err != nil {
			return nil, err
		}
		written = append(written, file.Name)
	}
	return written, nil
}

// replaceFile puts other text in the place of a file's, all at once. Its mode stays.
func replaceFile(name string, text []byte) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	err = errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// printDifferenceJSON prints a difference, and which files were written.
func printDifferenceJSON(out io.Writer, diff *botblock.Difference, written []string) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		*botblock.Difference
		Written []string `json:"written"`
	}{diff, append([]string{}, written...)})
}

// print prints a difference for people.
func (f *importFlags) print(out io.Writer, data *botblock.Data, diff *botblock.Difference, written []string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	lists, features, legacyIDs := data.Counts()
	_, _ = fmt.Fprintf(w, "in the data: lists %d, features %d, legacy ids %d\n", lists, features, legacyIDs)
	printIDs(w, "not there", diff.Gone)
	printIDs(w, "defunct there, living here", diff.Defunct)
	printIDs(w, "living there, defunct here", diff.Living)
	f.printEntries(w, "new list", diff.New)
	f.printEntries(w, "list", diff.Lists)
	f.printEntries(w, "new feature", diff.NewFeatures)
	f.printEntries(w, "feature", diff.Features)
	for i, c := range diff.LegacyIDs {
		if i == 0 {
			_, _ = fmt.Fprintln(w, "\nlegacy ids")
		}
		printChange(w, c)
	}
	facts, taken, words := diff.Count()
	_, _ = fmt.Fprintf(w, "\nfacts that differ: %d, to take over: %d", facts, taken)
	switch {
	case len(written) > 0:
		_, _ = fmt.Fprintf(w, ", written to %s\n", strings.Join(written, ", "))
	case f.write:
		_, _ = fmt.Fprintln(w, ", nothing was written")
	default:
		_, _ = fmt.Fprintln(w, " (--write)")
	}
	if words > 0 && !f.words {
		_, _ = fmt.Fprintf(w, "texts that differ: %d, never taken over (--words shows all)\n", words)
	}
	return w.Flush()
}

func printIDs(w io.Writer, what string, ids []string) {
	if len(ids) > 0 {
		_, _ = fmt.Fprintf(w, "%s: %s\n", what, strings.Join(ids, ", "))
	}
}

// printEntries prints in what entries differ.
func (f *importFlags) printEntries(w io.Writer, what string, all []botblock.Entry) {
	for _, e := range all {
		if !f.words && !slices.ContainsFunc(e.Changes, func(c botblock.Change) bool { return !c.Words }) {
			continue
		}
		_, _ = fmt.Fprintf(w, "\n%s %s (%s)\n", what, printable(e.ID), printable(e.Name))
		for _, c := range e.Changes {
			printChange(w, c)
		}
	}
}

// printChange prints one change, as a row of a table.
func printChange(w io.Writer, c botblock.Change) {
	text := shownFact(c.Ours) + " -> " + shownFact(c.Theirs)
	ours, _ := c.Ours.([]string)
	if theirs, ok := c.Theirs.([]string); ok {
		text = strings.Join(append(without("-", ours, theirs), without("+", theirs, ours)...), " ")
	} else if c.Ours == nil {
		text = shownFact(c.Theirs)
	}
	if c.Kept != "" {
		text += "  [kept: " + c.Kept + "]"
	}
	_, _ = fmt.Fprintf(w, "  %s\t%s\n", printable(c.Field), text)
}

// without returns what one list of words has and another lacks, after a sign.
func without(sign string, words, others []string) (some []string) {
	for _, word := range words {
		if !slices.Contains(others, word) {
			some = append(some, sign+printable(word))
		}
	}
	return some
}

// shownFact returns a value as people are shown it.
func shownFact(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}
