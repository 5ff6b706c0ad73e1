package main

import (
	"strings"
	"time"
)

// months is a choice of billing periods, both ends included, written yyyy-mm. The
// zero value leaves the choice to the stage.
type months struct{ from, to string }

// parseMonths reads 2026-09 or 2026-01..2026-09, which the user gave as name.
func parseMonths(name, text string) (months, error) {
	if text == "" {
		return months{}, nil
	}
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		to = from
	}
	if !isMonth(from) || !isMonth(to) {
		return months{}, usagef("%s %s: want a month such as 2026-09, or a range such as 2026-01..2026-09", name, text)
	}
	if to < from {
		return months{}, usagef("%s %s: it ends before it begins", name, text)
	}
	return months{from, to}, nil
}

func (m months) String() string {
	if m.from == m.to {
		return m.from
	}
	return m.from + ".." + m.to
}

// has tells whether a month is one of those chosen; where none was, all are.
func (m months) has(month string) bool {
	return m == months{} || m.from <= month && month <= m.to
}

func isMonth(text string) bool {
	_, err := time.Parse("2006-01", text)
	return err == nil
}

// parseDay reads a run date; without one it is today in UTC, the day Azure's
// billing periods are cut by.
func parseDay(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now.UTC().Truncate(24 * time.Hour), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, usagef("--as-of %s: want a day such as 2026-10-31", text)
	}
	return day, nil
}
