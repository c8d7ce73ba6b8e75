package main

import "runtime/debug"

const (
	// gcPercent lets garbage grow to twice what is live. With 400 a count costs 2
	// to 3 % less CPU, and the process takes a third more memory.
	gcPercent = 200
	// defaultMemory is how much requests and answers may take.
	defaultMemory byteSize = 192 << 20
	// memoryBeside is about what else the process takes: connections, calls
	// under way, the catalog, windows.
	memoryBeside = 64 << 20
)

// tuneMemory sets the collector for a service whose requests may take so much,
// unless the operator has: GOGC, GOMEMLIMIT. Near the limit it works harder.
func tuneMemory(memory byteSize, getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(memory) + memoryBeside)
	}
}
