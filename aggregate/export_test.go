package aggregate

import "time"

// ReadingFresh is readingFresh for tests of the package from outside.
const ReadingFresh = readingFresh

// SetReadingsClock sets the clock by which shared readings grow old.
func (a *Aggregator) SetReadingsClock(now func() time.Time) { a.readings.now = now }

// ReadingsWaiting returns how many callers wait for readings under way.
func (a *Aggregator) ReadingsWaiting() int {
	a.readings.mu.Lock()
	defer a.readings.mu.Unlock()
	waiting := 0
	for _, f := range a.readings.flights {
		waiting += f.waiters
	}
	return waiting
}
