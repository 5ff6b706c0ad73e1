package extract

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

// Money, prices and quantities are decimal(38, 18): 128 bits, two's complement,
// counting units of 10^-18. They are read from the digits in the text and never
// pass through a float64.
//
// What Azure serves: 0.085, 3.1E-05, "0.085" (price sheets), null, "", and for tiny
// quantities 21 digits after the point (0.000000312312312312312), which is more
// than eighteen. The digits beyond are rounded half to even and reported as lost.
type decimal struct {
	hi int64
	lo uint64
}

const decimalPlaces = 18

// noDecimal is null in a column of decimals. It is far outside ±10^38.
var noDecimal = decimal{hi: -1 << 63}

var (
	errNoNumber = errors.New("is no number")
	errTooLarge = errors.New("does not fit decimal(38, 18)")
	errNotWhole = errors.New("is no whole number of 64 bits")
)

var powersOfTen = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// parseDecimal reads -?digits[.digits][e[±]1 to 3 digits]. Text of at most 19 digits
// without an exponent, which is nearly all of it, takes the short way; the rest
// goes to parseLongDecimal.
//
// lost holds the error of rounding, when there was one: the digits after the
// eighteenth decimal place of |served - stored|, appended to scratch.
func parseDecimal(s, scratch []byte) (d decimal, lost []byte, err error) {
	i := 0
	if len(s) > 0 && s[0] == '-' {
		i = 1
	}
	first, point := i, -1
	var m uint64
	for ; i < len(s); i++ {
		if c := s[i] - '0'; c <= 9 {
			m = m*10 + uint64(c)
		} else if s[i] == '.' && point < 0 && i > first && i+1 < len(s) {
			point = i
		} else {
			return parseLongDecimal(s, scratch)
		}
	}
	digits, places := len(s)-first, 0
	if point >= 0 {
		digits--
		places = len(s) - point - 1
	}
	if digits == 0 || digits > 19 || places > decimalPlaces {
		return parseLongDecimal(s, scratch)
	}
	hi, lo := bits.Mul64(m, powersOfTen[decimalPlaces-places])
	return signed(hi, lo, first == 1), scratch[:0], nil
}

func signed(hi, lo uint64, negative bool) decimal {
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return decimal{int64(hi), lo}
}

// A numeral is number text taken apart: digits before and after the point, and
// the exponent.
type numeral struct {
	negative        bool
	whole, fraction []byte
	exponent        int
}

func (n numeral) len() int { return len(n.whole) + len(n.fraction) }

// digit returns the k-th digit, counted over the point; beyond the text it is 0.
func (n numeral) digit(k int) byte {
	switch {
	case k < 0 || k >= n.len():
		return 0
	case k < len(n.whole):
		return n.whole[k] - '0'
	}
	return n.fraction[k-len(n.whole)] - '0'
}

func digitRun(s []byte) (run, rest []byte) {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return s[:i], s[i:]
}

func parseNumeral(s []byte) (n numeral, ok bool) {
	if len(s) > 0 && s[0] == '-' {
		n.negative, s = true, s[1:]
	}
	n.whole, s = digitRun(s)
	if len(n.whole) == 0 {
		return n, false
	}
	if len(s) > 0 && s[0] == '.' {
		n.fraction, s = digitRun(s[1:])
		if len(n.fraction) == 0 {
			return n, false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		n.exponent, ok = parseExponent(s[1:])
		return n, ok
	}
	return n, len(s) == 0
}

// parseExponent takes at most three digits: 1e700000000 is a trap for programs
// that go on to write out the zeros, not an amount.
func parseExponent(s []byte) (e int, ok bool) {
	sign := 1
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	run, rest := digitRun(s)
	if len(run) == 0 || len(run) > 3 || len(rest) > 0 {
		return 0, false
	}
	for _, c := range run {
		e = e*10 + int(c-'0')
	}
	return sign * e, true
}

func parseLongDecimal(s, scratch []byte) (d decimal, lost []byte, err error) {
	n, ok := parseNumeral(s)
	if !ok {
		return d, scratch[:0], errNoNumber
	}
	lead := 0 // the first digit that counts
	for lead < n.len() && n.digit(lead) == 0 {
		lead++
	}
	if lead == n.len() {
		return d, scratch[:0], nil
	}
	last := len(n.whole) - 1 + n.exponent + decimalPlaces // the last digit that is kept
	if last-lead >= 38 {
		return d, scratch[:0], errTooLarge
	}
	var hi, lo uint64
	for k := lead; k <= last; k++ {
		hi, lo = times10(hi, lo, n.digit(k))
	}
	lost = dropped(n, last+1, scratch[:0])
	if len(lost) > 0 && roundsUp(n, last+1, lo&1 == 1) {
		var carry uint64
		lo, carry = bits.Add64(lo, 1, 0)
		hi += carry
		complement(lost)
	}
	if !below1e38(hi, lo) {
		return d, scratch[:0], errTooLarge
	}
	return signed(hi, lo, n.negative), lost, nil
}

func times10(hi, lo uint64, digit byte) (uint64, uint64) {
	h, l := bits.Mul64(lo, 10)
	l, carry := bits.Add64(l, uint64(digit), 0)
	return hi*10 + h + carry, l
}

func below1e38(hi, lo uint64) bool {
	h, l := bits.Mul64(powersOfTen[19], powersOfTen[19])
	return hi < h || hi == h && lo < l
}

// dropped appends the digits from k on, without the zeros at the end.
func dropped(n numeral, k int, dst []byte) []byte {
	for ; k < n.len(); k++ {
		dst = append(dst, '0'+n.digit(k))
	}
	return bytes.TrimRight(dst, "0")
}

// roundsUp tells whether digit k and those after it are more than a half of the
// unit before them, or exactly a half of an odd one.
func roundsUp(n numeral, k int, odd bool) bool {
	if n.digit(k) != 5 {
		return n.digit(k) > 5
	}
	for j := k + 1; j < n.len(); j++ {
		if n.digit(j) != 0 {
			return true
		}
	}
	return odd
}

// complement turns the fraction 0.d1d2… into 1 - 0.d1d2…; its last digit is not 0.
func complement(d []byte) {
	for i := range d[:len(d)-1] {
		d[i] = '0' + '9' - d[i]
	}
	d[len(d)-1] = '0' + '9' - d[len(d)-1] + 1
}

// int64 returns a decimal that is a whole number.
func (d decimal) int64() (int64, error) {
	hi, lo := uint64(d.hi), d.lo
	negative := d.hi < 0
	if negative {
		m := signed(hi, lo, true)
		hi, lo = uint64(m.hi), m.lo
	}
	if hi >= powersOfTen[decimalPlaces] {
		return 0, errNotWhole
	}
	q, r := bits.Div64(hi, lo, powersOfTen[decimalPlaces])
	if r != 0 || q > 1<<63-1 {
		return 0, errNotWhole
	}
	if negative {
		return -int64(q), nil
	}
	return int64(q), nil
}

func (d decimal) less(e decimal) bool {
	return d.hi < e.hi || d.hi == e.hi && d.lo < e.lo
}

// appendBytes appends the sixteen bytes of Parquet's FIXED_LEN_BYTE_ARRAY, most
// significant first.
func (d decimal) appendBytes(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(d.hi))
	return binary.BigEndian.AppendUint64(dst, d.lo)
}

// rounding is what was lost in a file: how many values had more than eighteen
// decimal places, and the largest error made by rounding one.
type rounding struct {
	count   int64
	largest []byte // decimal places from the nineteenth on
}

func (r *rounding) add(lost []byte) {
	r.count++
	r.larger(lost)
}

// larger compares fractions, for which the order of the digits is that of text.
func (r *rounding) larger(lost []byte) {
	if bytes.Compare(lost, r.largest) > 0 {
		r.largest = append(r.largest[:0], lost...)
	}
}

func (r *rounding) String() string {
	if len(r.largest) == 0 {
		return "0"
	}
	return "0.000000000000000000" + string(r.largest)
}
