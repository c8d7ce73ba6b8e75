//go:build race

package agent

// monthBots is how many bots a simulated month has, fewer under the race
// detector, which takes ten times as long.
const monthBots = 100
