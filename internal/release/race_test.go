//go:build race

package main

// underRace is whether the race detector watches, with which checking types takes
// four times as long.
const underRace = true
