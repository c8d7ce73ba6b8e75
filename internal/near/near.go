// Package near guesses which word a misspelled one was meant to be.
package near

import (
	"fmt"
	"strings"
)

const (
	maxLength   = 64 // of a word that is guessed at, in bytes
	maxDistance = 2  // what differs by more is another word
)

// Word returns the candidate that word is most likely a misspelling of, the
// first of equals, and "" if none is near. Case does not count.
func Word(word string, candidates []string) string {
	if word == "" || len(word) > maxLength {
		return ""
	}
	word = strings.ToLower(word)
	best, limit := "", min(maxDistance, (len(word)+1)/3)
	for _, c := range candidates {
		// Only a strictly nearer one replaces the best so far.
		if d := distance(word, strings.ToLower(c), limit); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// distance returns how many letters must be inserted, dropped, replaced or
// swapped with their neighbour to get from a to b, and limit+1 for any more
// than limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		smallest := row[0]
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			smallest = min(smallest, row[j+1])
		}
		if smallest > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Suggestion returns the end of a message about an unknown word: what it was
// most likely meant to be, or "".
func Suggestion(word string, candidates []string) string {
	if near := Word(word, candidates); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}
