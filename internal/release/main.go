// Command release builds the program for every system it is released for, and
// packs each binary with its licences: make release. The same sources and the same
// Go make the same bytes, in whatever folder.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// targets are the systems and processors that the program is released for.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// maxBinary bounds a binary, in bytes.
const maxBinary = 25_000_000

func main() {
	out := flag.String("out", "bin/release", "`FOLDER` that packages are written to; what is in it goes")
	version := flag.String("version", "", "`VERSION` that is stamped; if not given, what git describes")
	only := flag.String("targets", strings.Join(targets, " "), "what to build for: `OS/ARCH`, with blanks between them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := release(ctx, *out, *version, strings.Fields(*only)); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release writes a package for each target, and SHA256SUMS.
func release(ctx context.Context, out, version string, targets []string) error {
	version, at, err := stamp(ctx, version)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	var sums strings.Builder
	for _, target := range targets {
		name, packed, err := releaseFor(ctx, target, version, at)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		if err := os.WriteFile(filepath.Join(out, name), packed, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(packed), name)
	}
	fmt.Print(sums.String())
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// releaseFor returns the package for a target and its name.
func releaseFor(ctx context.Context, target, version string, at time.Time) (name string, packed []byte, err error) {
	system, processor, ok := strings.Cut(target, "/")
	if !ok {
		return "", nil, errors.New("want OS/ARCH, such as linux/amd64")
	}
	folder, err := os.MkdirTemp("", "release")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary := filepath.Join(folder, "aggregator")
	if err := build(ctx, binary, system, processor, version); err != nil {
		return "", nil, err
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return "", nil, err
	}
	if len(data) >= maxBinary {
		return "", nil, fmt.Errorf("the binary has %d bytes, and is to have fewer than %d", len(data), maxBinary)
	}
	fmt.Printf("%-14s %10d bytes\n", target, len(data))
	third, err := licences(ctx, binary)
	if err != nil {
		return "", nil, err
	}
	program := "aggregator"
	if system == "windows" {
		program += ".exe"
	}
	all := []file{{program, data, 0o755}, {"LICENSES-OF-OTHERS.txt", third, 0o644}}
	for _, name := range []string{"LICENSE", "NOTICE", "README.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", nil, err
		}
		all = append(all, file{name, text, 0o644})
	}
	name = fmt.Sprintf("aggregator_%s_%s_%s", version, system, processor)
	if system == "windows" {
		packed, err = zipped(name, all, at)
		return name + ".zip", packed, err
	}
	packed, err = tarred(name, all, at)
	return name + ".tar.gz", packed, err
}

// build builds a static binary without debug information.
func build(ctx context.Context, binary, system, processor, version string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -buildid= -X main.stamp="+version, "-o", binary, "./cmd/aggregator")
	// Settings of whoever builds must not show in what is built.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// versionForm is what a version may be: it is part of a flag, and of file names.
var versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]*$`)

// stamp returns the version to stamp, and the time that files in packages bear:
// that of the commit. A version that is given stands.
func stamp(ctx context.Context, version string) (string, time.Time, error) {
	if version == "" {
		described, err := git(ctx, "describe", "--tags", "--always", "--dirty")
		if err != nil {
			return "", time.Time{}, fmt.Errorf("%w; without git give a version: VERSION=1.2.3", err)
		}
		version = described
	}
	version = withoutV(version)
	if !versionForm.MatchString(version) {
		return "", time.Time{}, fmt.Errorf("version %q: want letters, digits and . + _ -", version)
	}
	at := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) // the first that zip knows
	if text, err := git(ctx, "log", "-1", "--format=%ct"); err == nil {
		if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
			at = time.Unix(seconds, 0).UTC()
		}
	}
	return version, at, nil
}

// withoutV returns a version without the v that tags begin with.
func withoutV(version string) string {
	if rest, ok := strings.CutPrefix(version, "v"); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return rest
	}
	return version
}

func git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
