package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"aggregator/health"
)

// The measures of bars, in units of their picture.
const (
	barStep   = 12 // from one to the next
	barWidth  = 9
	barHeight = 36
	minPart   = 7 // of what went well or failed, so that a single call is seen
	barGap    = 2 // between the two
)

// barChart is a picture of bars, one for each hour or day. What went well stands
// below, filled; what failed above it, hollow; and a time without calls is a line
// at the foot. So the picture can be read without its colours.
type barChart struct {
	Caption           string // of the rows
	Label             string // the picture in words
	Width, Height     int
	Well, Fault, Line string // the parts of all bars, as SVG paths
	Bars              []barPlace
	First, Last       string // what stands below its ends
	Rows              []barRow
	Unasked           string // how many hours or days were without calls; "" for none
}

// barPlace is where a bar is, and what it says.
type barPlace struct {
	X     int
	Words string
}

// barRow is a bar in words.
type barRow struct {
	When          string
	Calls, Faults int64
	Uptime        string
}

// barUnit is what each bar of a chart is of.
type barUnit struct {
	one, many, last, caption string
	when                     func(from time.Time) string
}

var (
	barHours = barUnit{"hour", "hours", "this hour", "Hours, in UTC", func(from time.Time) string {
		return from.UTC().Format("15:04") + " to " + from.UTC().Add(time.Hour).Format("15:04")
	}}
	barDays = barUnit{"day", "days", "today", "Days, in UTC", day}
)

// drawBars draws bars, the oldest first, of which there is one at least.
func drawBars(bars []health.Bar, unit barUnit) barChart {
	c := barChart{
		Width: len(bars)*barStep - (barStep - barWidth), Height: barHeight,
		First: strconv.Itoa(len(bars)) + " " + unit.many + " ago", Last: unit.last,
		Caption: unit.caption, Label: labelOf(bars, unit),
	}
	var well, fault, line strings.Builder
	unasked := int64(0)
	for i, b := range bars {
		x := i * barStep
		c.Bars = append(c.Bars, barPlace{x, wordsOf(b, unit)})
		if b.Calls == 0 {
			unasked++
			box(&line, x, barHeight-2, barWidth, 2)
			continue
		}
		c.Rows = append(c.Rows, barRow{unit.when(b.From), b.Calls, b.Faults, percent(b)})
		good, bad := partsOf(b)
		if good > 0 {
			box(&well, x, barHeight-good, barWidth, good)
		}
		if bad > 0 {
			box(&fault, x+1, 1, barWidth-2, bad-2) // within its line
		}
	}
	c.Well, c.Fault, c.Line = well.String(), fault.String(), line.String()
	if unasked > 0 && unasked < int64(len(bars)) {
		c.Unasked = "There were no calls in " + count(unasked, "other "+unit.one, "other "+unit.many) + "."
	}
	return c
}

// partsOf returns how high the parts of a bar are that went well and that failed.
func partsOf(b health.Bar) (well, fault int) {
	switch b.Faults {
	case 0:
		return barHeight, 0
	case b.Calls:
		return 0, barHeight
	}
	fault = min(max(minPart, int(b.Faults*barHeight/b.Calls)), barHeight-barGap-minPart)
	return barHeight - barGap - fault, fault
}

// box adds a rectangle to an SVG path.
func box(path *strings.Builder, x, y, width, height int) {
	fmt.Fprintf(path, "M%d %dh%dv%dh-%dz", x, y, width, height, width)
}

// wordsOf says what a bar shows.
func wordsOf(b health.Bar, unit barUnit) string {
	when := unit.when(b.From)
	if b.Calls == 0 {
		return when + ": no calls"
	}
	if b.Faults == 0 {
		return when + ": " + count(b.Calls, "call", "calls") + ", none failed"
	}
	return when + ": " + count(b.Calls, "call", "calls") + ", " + grouped(b.Faults) + " failed (uptime " + percent(b) + ")"
}

// labelOf says what bars show together.
func labelOf(bars []health.Bar, unit barUnit) string {
	var asked, failing int64
	worst := health.Bar{}
	for _, b := range bars {
		if b.Calls == 0 {
			continue
		}
		asked++
		if b.Faults == 0 {
			continue
		}
		failing++
		if worst.Calls == 0 || b.Faults*worst.Calls > worst.Faults*b.Calls {
			worst = b
		}
	}
	all := "the last " + strconv.Itoa(len(bars)) + " " + unit.many
	if asked == 0 {
		return "No calls in " + all
	}
	var s strings.Builder
	s.WriteString("Of " + all + ", " + strconv.FormatInt(asked, 10) + " had calls; ")
	if failing == 0 {
		s.WriteString("none of these calls failed")
		return s.String()
	}
	s.WriteString("in " + strconv.FormatInt(failing, 10) + " some failed, most of all " + wordsOf(worst, unit))
	return s.String()
}
