package main

import "runtime/debug"

const (
	// gcPercent lets garbage grow to some times what is live, which is a few
	// MB: Go's 100 would collect many times a second, for a seventh of the CPU.
	gcPercent = 400
	// memoryLimit makes the collector work harder when memory is really used.
	memoryLimit = 256 << 20
)

// tuneMemory sets the collector, unless the operator has: GOGC, GOMEMLIMIT.
func tuneMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
