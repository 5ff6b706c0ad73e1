package extract

import "math"

// Null in a column of days, and in one of instants or whole numbers.
const (
	noDay   = math.MinInt32
	noInt64 = math.MinInt64
)

const nanosPerDay = 24 * 60 * 60 * 1e9

// A moment is date text taken apart, before its zone is applied.
type moment struct {
	day   int64 // days since 1970-01-01
	nanos int64 // of the day
	zone  int64 // minutes east of UTC; none given counts as UTC
}

// utc returns day and time of day in UTC.
func (m moment) utc() (day, nanos int64) {
	day, nanos = m.day, m.nanos-m.zone*60*1e9
	switch {
	case nanos < 0:
		return day - 1, nanos + nanosPerDay
	case nanos >= nanosPerDay:
		return day + 1, nanos - nanosPerDay
	}
	return day, nanos
}

// parseMoment reads the layouts that Azure writes:
//
//	2021-10-01T00:00:00.0000000Z   the APIs, seven digits of a second
//	2018-09-30T17:00:00-07:00      reservations
//	2019-07-29, 2019-07-29 00:00:00, 2019-07-29T00:00:00   files; no zone means UTC
//	09/30/2023, 9/2/2023, 9/2/2023 12:00:00 AM             EA files: month first
//	20180331, 201803               query rows, billing periods
//
// A year of two digits (3/1/21) is refused: it would be a guess.
func parseMoment(s []byte) (m moment, ok bool) {
	year, rest, ok := number(s, 1, 8)
	if !ok {
		return m, false
	}
	var month, day int64
	switch n := len(s) - len(rest); {
	case n == 8 && len(rest) == 0:
		year, month, day = year/10000, year/100%100, year%100
	case n == 6 && len(rest) == 0:
		year, month, day = year/100, year%100, 1
	case n == 4 && len(rest) > 0 && rest[0] == '-':
		month, day, rest, ok = pair(rest[1:], '-', 2, 2)
	case n <= 2 && len(rest) > 0 && rest[0] == '/':
		month = year
		day, year, rest, ok = pair(rest[1:], '/', 1, 4)
	default:
		return m, false
	}
	if !ok || year < 1 || month < 1 || month > 12 || day < 1 || day > monthDays(year, month) {
		return m, false
	}
	m.day = daysFromCivil(year, month, day)
	if len(rest) == 0 {
		return m, true
	}
	if rest[0] != 'T' && rest[0] != ' ' {
		return m, false
	}
	return parseClock(m, rest[1:])
}

// number reads a run of min to max digits.
func number(s []byte, min, max int) (n int64, rest []byte, ok bool) {
	run, rest := digitRun(s)
	if len(run) < min || len(run) > max {
		return 0, s, false
	}
	for _, c := range run {
		n = n*10 + int64(c-'0')
	}
	return n, rest, true
}

// pair reads two numbers with a separator; the first has min or two digits, the
// second width2.
func pair(s []byte, sep byte, min, width2 int) (a, b int64, rest []byte, ok bool) {
	a, rest, ok = number(s, min, 2)
	if !ok || len(rest) == 0 || rest[0] != sep {
		return 0, 0, s, false
	}
	b, rest, ok = number(rest[1:], width2, width2)
	return a, b, rest, ok
}

func parseClock(m moment, s []byte) (moment, bool) {
	hour, minute, rest, ok := pair(s, ':', 1, 2)
	if !ok {
		return m, false
	}
	var second, fraction int64
	if len(rest) > 0 && rest[0] == ':' {
		if second, rest, ok = number(rest[1:], 2, 2); !ok {
			return m, false
		}
		if fraction, rest, ok = parseFraction(rest); !ok {
			return m, false
		}
	}
	if hour, rest, ok = halfDay(hour, rest); !ok || hour > 23 || minute > 59 || second > 59 {
		return m, false
	}
	m.nanos = ((hour*60+minute)*60+second)*1e9 + fraction
	m.zone, ok = parseZone(rest)
	return m, ok
}

// parseFraction reads up to nine digits of a second, if there are any.
func parseFraction(s []byte) (nanos int64, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	nanos, rest, ok = number(s[1:], 1, 9)
	for n := len(s) - 1 - len(rest); n < 9; n++ {
		nanos *= 10
	}
	return nanos, rest, ok
}

// halfDay applies the AM or PM of the older EA files.
func halfDay(hour int64, s []byte) (int64, []byte, bool) {
	if len(s) != 3 || s[0] != ' ' || s[2] != 'M' || hour < 1 || hour > 12 {
		return hour, s, true
	}
	switch s[1] {
	case 'A':
		return hour % 12, nil, true
	case 'P':
		return hour%12 + 12, nil, true
	}
	return hour, s, false
}

func parseZone(s []byte) (minutes int64, ok bool) {
	if len(s) == 0 || string(s) == "Z" || string(s) == "z" {
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hour, minute, rest, ok := pair(s[1:], ':', 2, 2)
	if !ok || len(rest) > 0 || hour > 23 || minute > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -(hour*60 + minute), true
	}
	return hour*60 + minute, true
}

func monthDays(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromCivil counts days since 1970-01-01 in the Gregorian calendar, in years
// that begin in March so that the leap day comes last.
func daysFromCivil(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}

// parseDay returns the day of a date, in UTC unless asPrinted. exact is false when a
// time of day was left behind; as printed it never is, because the time in a
// reservation's usageDate is only the zone of the machine that wrote it.
func parseDay(s []byte, asPrinted bool) (day int32, exact, ok bool) {
	m, ok := parseMoment(s)
	if !ok {
		return noDay, false, false
	}
	if asPrinted {
		return int32(m.day), true, true
	}
	d, nanos := m.utc()
	return int32(d), nanos == 0, true
}

// parseInstant returns microseconds since 1970 in UTC. exact is false when the
// seventh digit of the second was not zero.
func parseInstant(s []byte) (micros int64, exact, ok bool) {
	m, ok := parseMoment(s)
	if !ok {
		return noInt64, false, false
	}
	day, nanos := m.utc()
	return day*(nanosPerDay/1000) + nanos/1000, nanos%1000 == 0, true
}
