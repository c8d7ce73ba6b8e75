package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CountPoint is how many servers a bot was on at a time.
type CountPoint struct {
	At    time.Time
	Count int64
}

// chart is how many servers a bot was on over time: a line, the same in words, and
// as a table.
type chart struct {
	Line        string // points of a polyline in a box of chartWidth to chartHeight
	First, Last CountPoint
	Low, High   CountPoint
	Days        []CountPoint // the last of each day, the newest first
	Width       int
	Height      int
}

const (
	chartWidth  = 720
	chartHeight = 160
	chartMargin = 4 // above and below the line
)

// chart returns the chart of a bot; nil where too little is known.
func (s *Site) chart(ctx context.Context, botID string) *chart {
	if s.Counts == nil {
		return nil
	}
	points, err := s.Counts(ctx, botID)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Warn("a chart cannot be drawn", "bot", botID, "error", err)
		}
		return nil
	}
	return chartOf(points)
}

// chartOf draws points, the oldest first; nil if they are not two at least.
func chartOf(all []CountPoint) *chart {
	if len(all) < 2 {
		return nil
	}
	c := &chart{First: all[0], Last: all[len(all)-1], Low: all[0], High: all[0], Width: chartWidth, Height: chartHeight}
	for _, p := range all {
		if p.Count < c.Low.Count {
			c.Low = p
		}
		if p.Count > c.High.Count {
			c.High = p
		}
	}
	span, height := c.Last.At.Sub(c.First.At), c.High.Count-c.Low.Count
	if span <= 0 {
		return nil
	}
	var line strings.Builder
	for i, p := range all {
		y := float64(chartHeight) / 2
		if height > 0 {
			y = chartMargin + (chartHeight-2*chartMargin)*(1-float64(p.Count-c.Low.Count)/float64(height))
		}
		if i > 0 {
			line.WriteByte(' ')
		}
		fmt.Fprintf(&line, "%.1f,%.1f", chartWidth*float64(p.At.Sub(c.First.At))/float64(span), y)
	}
	c.Line = line.String()
	for _, p := range slices.Backward(all) {
		if n := len(c.Days); n == 0 || day(c.Days[n-1].At) != day(p.At) {
			c.Days = append(c.Days, p)
		}
	}
	return c
}

// day returns the day of a time, in UTC.
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// Words says in a sentence what the line shows.
func (c *chart) Words() string {
	change := c.Last.Count - c.First.Count
	how := "the same as"
	switch {
	case change > 0:
		how = grouped(change) + " more than"
	case change < 0:
		how = grouped(-change) + " fewer than"
	}
	s := fmt.Sprintf("%s %s on %s, %s on %s.", grouped(c.Last.Count), verb64(c.Last.Count, "server", "servers"), day(c.Last.At), how, day(c.First.At))
	if c.Low.Count == c.High.Count {
		return s
	}
	return s + fmt.Sprintf(" Fewest: %s, on %s. Most: %s, on %s.", grouped(c.Low.Count), day(c.Low.At), grouped(c.High.Count), day(c.High.At))
}
