//go:build !race

package agent

// monthBots is how many bots a simulated month has.
const monthBots = 1000
