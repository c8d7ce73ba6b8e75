package agent

import (
	"fmt"

	"aggregator/aggregate"
	"aggregator/catalog"
	"aggregator/lists"
	"aggregator/rawjson"
	"aggregator/strictyaml"
)

// LoadTokens reads a file of one bot's tokens: a mapping of list ids and tokens, as
// under tokens in bots.yaml, in YAML or JSON. All that is wrong comes at once, as an
// *Error, which repeats no secret; a list that the catalog does not have is wrong
// too. What a list needs of its token beyond that is said when it is asked.
func LoadTokens(path string, c *catalog.Catalog, o LoadOptions) ([]aggregate.NamedToken, []string, error) {
	data, mode, err := readFile(path, maxFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s", path, reason(err))
	}
	l := newLoader(path, c, o)
	all := l.loadTokens(strictyaml.File{Name: path, Data: data})
	l.warnOfModes(path, mode)
	return all, l.warnings, l.Err()
}

// ParseTokens is LoadTokens for the text of such a file, in which references to
// files are relative to the working directory. name stands for the file's in what is
// wrong.
func ParseTokens(name string, text []byte, c *catalog.Catalog, o LoadOptions) ([]aggregate.NamedToken, []string, error) {
	l := newLoader("", c, o)
	all := l.loadTokens(strictyaml.File{Name: name, Data: text})
	l.warnOfModes(name, 0)
	return all, l.warnings, l.Err()
}

const howTokensLook = `must hold ids of lists and your tokens for them, such as list.example: "TOKEN"`

func (l *loader) loadTokens(f strictyaml.File) []aggregate.NamedToken {
	f.Data = plainJSON(f.Data)
	root, ok := l.Parse(f)
	switch {
	case !ok:
		return nil
	case root == nil, root.IsMapping() && len(root.Fields()) == 0:
		l.Add(strictyaml.Place{File: f.Name, Line: 1}, "names no list; it %s", howTokensLook)
		return nil
	case root.IsBroken():
		return nil
	case !root.IsMapping():
		l.Add(root.Place(), howTokensLook)
		return nil
	}
	if bots := root.Get(botsKey); bots != nil && bots.IsMapping() {
		l.Add(bots.Place(), "this is a file of bots, and is given with --bots")
		return nil
	}
	var entries map[string]tokenEntry
	l.Bind(root, &entries)
	return l.tokens(root, entries, func(strictyaml.Place, *lists.List, lists.Token) {})
}

// plainJSON returns JSON without what YAML does not take as JSON does: tabs between
// values, and slashes that are escaped. Anything else it returns as it is.
func plainJSON(data []byte) []byte {
	if _, ok := rawjson.Parse(data); !ok {
		return data
	}
	plain := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == '\t':
			plain = append(plain, ' ')
		case data[i] == '\\' && data[i+1] == '/': // within a string something always follows
		case data[i] == '\\':
			plain = append(plain, data[i], data[i+1])
			i++
		default:
			plain = append(plain, data[i])
		}
	}
	return plain
}
