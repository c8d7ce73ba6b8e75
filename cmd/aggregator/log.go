package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/mattn/go-isatty"
)

// logFlags say what is logged, and how.
type logFlags struct {
	format logFormat
	level  slog.Level
}

func (f *logFlags) add(fs *flag.FlagSet) {
	f.format = formatAuto
	fs.Var(&f.format, "log-format", "`FORMAT` of the log: json, text, or auto, which is text on a terminal and else json")
	fs.TextVar(&f.level, "log-level", slog.LevelInfo, "`LEVEL` from which on messages are logged: debug, info, warn or error")
	fs.Lookup("log-level").DefValue = "info" // as people write it
}

// logFormat is a flag of the log's format.
type logFormat string

const (
	formatAuto logFormat = "auto"
	formatJSON logFormat = "json"
	formatText logFormat = "text"
)

func (f *logFormat) String() string { return string(*f) }

func (f *logFormat) Set(value string) error {
	switch v := logFormat(value); v {
	case formatAuto, formatJSON, formatText:
		*f = v
		return nil
	}
	return fmt.Errorf("want auto, json or text")
}

// logger returns a logger that writes to w.
func (f *logFlags) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: f.level}
	if f.format == formatText || f.format == formatAuto && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// announce logs a message whatever the level.
func announce(log *slog.Logger, message string, attrs ...slog.Attr) {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
	r.AddAttrs(attrs...)
	_ = log.Handler().Handle(context.Background(), r) // nobody is left to hear that the log is full
}
