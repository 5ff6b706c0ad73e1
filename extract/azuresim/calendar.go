package azuresim

import (
	"fmt"
	"time"
)

// A month is a billing month of both accounts; both agreements bill calendar months.
type month struct {
	index  int
	year   int
	number int
	start  int    // epoch day of the 1st
	length int    // days of the calendar month
	data   int    // days that have rows: all of them in a past month, those before AsOf in the open one
	closed bool   // invoiced. The month before the open one stays estimated until the 5th
	name   string // 202610
}

// invoiceDay is the day of the following month on which a month is closed and invoiced.
const invoiceDay = 5

// dayText is a day in every spelling the API and the files use.
type dayText struct {
	us    string // 10/31/2026, EA files
	iso   string // 2026-10-31, MCA files
	stamp string // 2026-10-31T00:00:00.0000000Z, JSON
}

func epochDay(t time.Time) int {
	return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func dayTime(day int) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

func isoDay(day int) string { return dayTime(day).Format(time.DateOnly) }

func instant(day int) string { return dayTime(day).Format("2006-01-02T15:04:05Z") }

// setCalendar lays out the months up to the one that holds AsOf, and the spelled-out days around them.
func (e *Enterprise) setCalendar() {
	e.asOf = epochDay(e.config.AsOf)
	open := dayTime(e.asOf).AddDate(0, 0, 1-dayTime(e.asOf).Day())
	for i := range e.config.Months {
		first := open.AddDate(0, i+1-e.config.Months, 0)
		e.months = append(e.months, e.makeMonth(i, first))
	}
	last := e.months[len(e.months)-1]
	e.firstDay = e.months[0].start - 40
	for day := e.firstDay; day <= last.start+last.length+40; day++ {
		t := dayTime(day)
		e.days = append(e.days, dayText{t.Format("01/02/2006"), t.Format("2006-01-02"), t.Format("2006-01-02T15:04:05.0000000Z")})
	}
}

func (e *Enterprise) makeMonth(index int, first time.Time) month {
	m := month{index: index, year: first.Year(), number: int(first.Month()), start: epochDay(first), name: first.Format("200601")}
	m.length = epochDay(first.AddDate(0, 1, 0)) - m.start
	m.data = min(m.length, e.asOf-m.start)
	m.closed = e.asOf >= m.start+m.length+invoiceDay-1
	return m
}

func (m month) last() int { return m.start + m.length - 1 }

// iso is the month as 2026-10.
func (m month) iso() string { return fmt.Sprintf("%04d-%02d", m.year, m.number) }

func (e *Enterprise) text(day int) *dayText { return &e.days[day-e.firstDay] }

func (e *Enterprise) open() month { return e.months[len(e.months)-1] }

// monthNamed finds a month by its billing period name, 202610; the -1 that MOSP periods end in is accepted.
func (e *Enterprise) monthNamed(name string) (month, bool) {
	if len(name) == 8 && name[6:] == "-1" {
		name = name[:6]
	}
	for _, m := range e.months {
		if m.name == name {
			return m, true
		}
	}
	return month{}, false
}
