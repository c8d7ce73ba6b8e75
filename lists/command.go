package lists

import (
	"bytes"
	"strings"

	"aggregator/rawjson"
)

// commandShape is how a list wants one command, compiled.
type commandShape struct{ shape shape }

// Values of a command, by their places from 1.
const (
	commandName = iota + 1
	commandDescription
	commandUsage
	commandArgs
)

// command compiles the shape of commands; nil where they go out as Discord has
// them.
func (c *checker) command(d *reportDialect, e *CommandEntry) *commandShape {
	if e == nil {
		return nil
	}
	field := d.part + ".command"
	if d.report != Commands {
		c.add(field, "says how commands look, but there are none in this report")
	}
	var b bodyDialect
	for i, names := range []Names{e.Name, e.Description, e.Usage, e.Args} {
		for _, name := range names {
			c.put(&b, field, c.path(field, name), leaf{value: NumValues, reportValue: i + 1})
		}
	}
	c.constants(field, &b, e.Constants, auth{})
	if len(e.Name) == 0 {
		c.add(field+".name", "is required")
	}
	return &commandShape{b.shape}
}

// appendAll appends commands as the list wants them.
func (s *commandShape) appendAll(out []byte, commands rawjson.Value) []byte {
	b := bodyDialect{encoding: encodingJSON, shape: s.shape}
	out = append(out, '[')
	for command := range commands.Items() {
		out = b.appendJSON(rawjson.AppendComma(out), s.shape, &valueSet{reportValues: commandValues(command)}, "")
	}
	return append(out, ']')
}

// commandValues returns what there is to say of a command.
func commandValues(command rawjson.Value) [][]byte {
	name, _ := command.Get("name").Text()
	description, _ := command.Get("description").Text()
	args := argsOf(command.Get("options"))
	usage := name
	if kind := command.Get("type"); kind.IsZero() || bytes.Equal(kind.Raw(), []byte("1")) { // not of a context menu
		usage = strings.TrimRight("/"+name+" "+args, " ")
	}
	return [][]byte{
		commandName - 1:        rawjson.AppendString(nil, name),
		commandDescription - 1: rawjson.AppendString(nil, description),
		commandUsage - 1:       rawjson.AppendString(nil, usage),
		commandArgs - 1:        rawjson.AppendString(nil, args),
	}
}

// argsOf returns how the options of a command are written: "<user> [reason]", or
// "<add|remove>" where there are commands below it.
func argsOf(options rawjson.Value) string {
	var args, below strings.Builder // of many options no slices are made
	put := func(to *strings.Builder, between, before, name, after string) {
		if to.Len() == 0 {
			between = ""
		}
		for _, s := range [...]string{between, before, name, after} {
			to.WriteString(s)
		}
	}
	for option := range options.Items() {
		name, _ := option.Get("name").Text()
		kind := string(option.Get("type").Raw())
		switch required, _ := option.Get("required").Bool(); {
		case kind == "1" || kind == "2":
			put(&below, "|", "", name, "")
		case required:
			put(&args, " ", "<", name, ">")
		default:
			put(&args, " ", "[", name, "]")
		}
	}
	if below.Len() == 0 {
		return args.String()
	}
	return strings.TrimRight("<"+below.String()+"> "+args.String(), " ")
}
