package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

const (
	// HistoryTTL is how long the counts of a bot are kept.
	HistoryTTL = 90 * 24 * time.Hour
	// MaxHistories bounds the bots of which counts are kept.
	MaxHistories = 100_000
	// fineHours is for how many hours each has a point of its own. Of what is
	// older, each block of blockHours has one.
	fineHours  = 7 * 24
	blockHours = 6
)

// HistoryBounds bound the histories that are kept.
type HistoryBounds struct {
	Bots  int
	Bytes int // of those in memory; other stores bound the bots alone, of whom each has some KiB at most
}

// DefaultHistoryBounds are those of every store, unless told.
var DefaultHistoryBounds = HistoryBounds{Bots: MaxHistories, Bytes: 32 << 20}

// CountPoint is how many servers a bot was on in an hour.
type CountPoint struct {
	Hour  time.Time // its begin
	Count int64
}

// BotCount is a point of the history of a bot.
type BotCount struct {
	Bot Key
	CountPoint
}

// Check returns an error for a count that no store takes.
func (c BotCount) Check() error {
	if c.Count < 0 || c.Count > MaxCount || c.Hour.Unix() <= 0 || !Hours.Begin(c.Hour).Equal(c.Hour) {
		return fmt.Errorf("store: %d servers at %s", c.Count, c.Hour)
	}
	return nil
}

// History keeps how many servers bots are on, over time. Any number of replicas
// may share it. It is safe for concurrent use. A context that has ended before
// the call is its error, and nothing changes. While the store is away, every call
// returns ErrAway. An argument that fails its Check is an error, and nothing
// changes.
//
// There is one point an hour, and one for six hours of what is older than a
// week. Of points in a row that are the same the first and the last are kept.
// What is older than HistoryTTL is forgotten, and beyond the bounds the bot whose
// last count is the oldest.
type History interface {
	// Put keeps counts of bots. Of two for one bot and hour the later call's
	// counts.
	Put(ctx context.Context, counts ...BotCount) error

	// Counts returns the history of a bot, the oldest point first; nil if there is
	// none.
	Counts(ctx context.Context, bot Key) ([]CountPoint, error)
}

// MergeHistory returns the packed history of a bot with further points, and what
// is too old at the last of them left out. What cannot be read is as if it were
// empty.
func MergeHistory(packed []byte, points ...CountPoint) []byte {
	all := UnpackHistory(packed)
	for _, p := range points {
		i, found := slices.BinarySearchFunc(all, p.Hour, func(p CountPoint, at time.Time) int { return p.Hour.Compare(at) })
		if found {
			all[i] = p
		} else {
			all = slices.Insert(all, i, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return PackHistory(thin(all))
}

// thin leaves out what is too old, too dense, or between two of the same.
func thin(all []CountPoint) []CountPoint {
	last := hourOf(all[len(all)-1])
	kept := all[:0]
	for i, p := range all {
		hour := hourOf(p)
		if last-hour >= int64(HistoryTTL/time.Hour) {
			continue
		}
		isLastOfBlock := i == len(all)-1 || hourOf(all[i+1])/blockHours != hour/blockHours
		if last-hour >= fineHours && !isLastOfBlock {
			continue
		}
		if n := len(kept); n > 1 && kept[n-1].Count == p.Count && kept[n-2].Count == p.Count {
			kept[n-1] = p
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// hourOf returns the hour of a point, in Unix hours.
func hourOf(p CountPoint) int64 { return p.Hour.Unix() / 3600 }

// PackHistory packs points in order of time: the hour and the count of each, as
// varints of what they differ by from those of the one before.
func PackHistory(all []CountPoint) []byte {
	b := make([]byte, 0, 4*len(all)+8)
	hour, count := int64(0), int64(0)
	for _, p := range all {
		b = binary.AppendUvarint(b, uint64(hourOf(p)-hour))
		b = binary.AppendVarint(b, p.Count-count)
		hour, count = hourOf(p), p.Count
	}
	return b
}

// UnpackHistory returns the points of a packed history; nil if it cannot be read.
func UnpackHistory(packed []byte) (all []CountPoint) {
	hour, count := int64(0), int64(0)
	for len(packed) > 0 {
		hours, n := binary.Uvarint(packed)
		if n <= 0 || hours > 1<<32 {
			return nil
		}
		more, m := binary.Varint(packed[n:])
		if m <= 0 {
			return nil
		}
		packed = packed[n+m:]
		hour, count = hour+int64(hours), count+more
		if count < 0 || count > MaxCount || hour > 1<<32 {
			return nil
		}
		all = append(all, CountPoint{time.Unix(hour*3600, 0).UTC(), count})
	}
	return all
}

// LastHour returns the hour of the last point of a packed history, in Unix hours;
// 0 if there is none.
func LastHour(packed []byte) (hour int64) {
	if all := UnpackHistory(packed); len(all) > 0 {
		hour = hourOf(all[len(all)-1])
	}
	return hour
}
