package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"aggregator/httpapi"
)

// stamp is the version that a release is built with: -ldflags "-X main.stamp=1.2.3".
var stamp string

// thisBuild returns which build of the program this is.
func thisBuild() httpapi.Build {
	info, _ := debug.ReadBuildInfo()
	return newBuild(stamp, info)
}

// newBuild returns the build with a stamp. Without one its version is the
// revision of its sources, or "dev" where that is not known. info may be nil.
func newBuild(stamp string, info *debug.BuildInfo) httpapi.Build {
	const hash = 12 // digits of a revision that name it
	b := httpapi.Build{Version: stamp, GoVersion: runtime.Version()}
	modified := false
	if info != nil {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value[:min(hash, len(s.Value))]
			case "vcs.modified":
				modified = s.Value == "true"
			}
		}
	}
	if modified && b.Revision != "" {
		b.Revision += "+modified"
	}
	if b.Version == "" {
		b.Version = b.Revision
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	return b
}

// userAgent is sent to lists on behalf of callers that send no User-Agent.
var userAgent = "botlist-aggregator/" + thisBuild().Version + " (self-hosted; posts on behalf of its callers)"

// printVersion prints which build of the program this is.
func printVersion(*flag.FlagSet) action {
	return func(_ context.Context, env environment, _ []string) error {
		b := thisBuild()
		_, err := fmt.Fprintf(env.out, "aggregator %s (revision %s, %s)\n", b.Version, cmp.Or(b.Revision, "unknown"), b.GoVersion)
		return err
	}
}
