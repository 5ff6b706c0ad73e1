package transform

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
)

// int128 is an unscaled DECIMAL(38, 18) as the engine stores it: two's complement, low word first.
type int128 struct {
	lo uint64
	hi int64
}

// one is 1 at scale 18. It fits a machine word, which is what keeps the division in product simple.
const one = 1_000_000_000_000_000_000

// limit is 10^38, the first magnitude that DECIMAL(38, 18) does not hold.
var limit = [2]uint64{0x098a224000000000, 0x4b3b4ca85a86c47a} // low word first

var (
	errOverflow = errors.New("the result does not fit decimal(38, 18)")
	errWeight   = errors.New("the weight is more than the total")
)

// product is a × b at scale 18, rounded half to even.
func product(a, b int128) (int128, error) {
	a0, a1, aneg := a.magnitude()
	b0, b1, bneg := b.magnitude()
	var n [4]uint64
	if a1|b1 == 0 {
		n[1], n[0] = bits.Mul64(a0, b0)
	} else {
		n = multiply(a0, a1, b0, b1)
	}
	if n[3] >= one { // the quotient would need more than three words
		return int128{}, errOverflow
	}
	var rem uint64
	n[2], rem = bits.Div64(n[3], n[2], one)
	n[1], rem = bits.Div64(rem, n[1], one)
	n[0], rem = bits.Div64(rem, n[0], one)
	if n[2] != 0 {
		return int128{}, errOverflow
	}
	up := rem > one/2 || rem == one/2 && n[0]&1 == 1
	return signed(n[0], n[1], up, aneg != bneg)
}

// ratio is a ÷ b at scale 18, rounded half to even; b is not zero.
func ratio(a, b int128) (int128, error) {
	a0, a1, aneg := a.magnitude()
	b0, b1, bneg := b.magnitude()
	n := multiply(a0, a1, one, 0)
	if b1 == 0 {
		return ratioByWord(n, b0, aneg != bneg)
	}
	q0, q1, r0, r1 := divide(n, b0, b1)
	// Twice the remainder against the divisor; both are below 2^127, so doubling keeps all bits.
	order := compare(r0<<1, r1<<1|r0>>63, b0, b1)
	return signed(q0, q1, order > 0 || order == 0 && q0&1 == 1, aneg != bneg)
}

func ratioByWord(n [4]uint64, b uint64, negative bool) (int128, error) {
	var rem uint64
	n[2], rem = bits.Div64(0, n[2], b)
	n[1], rem = bits.Div64(rem, n[1], b)
	n[0], rem = bits.Div64(rem, n[0], b)
	if n[2] != 0 {
		return int128{}, errOverflow
	}
	up := rem > b-rem || rem == b-rem && n[0]&1 == 1
	return signed(n[0], n[1], up, negative)
}

// share is amount × weight ÷ total cut towards zero at scale 18, and what was cut: the remainder of the
// division, in units of the last digit of total. Remainders of one amount and total tell whose share was
// cut most. The weight is no more than the total, as any part of a whole, which keeps the quotient in two words.
func share(amount, weight, total int128) (part, rest int128, err error) {
	a0, a1, aneg := amount.magnitude()
	w0, w1, wneg := weight.magnitude()
	t0, t1, tneg := total.magnitude()
	if compare(w0, w1, t0, t1) > 0 {
		return int128{}, int128{}, errWeight
	}
	n := multiply(a0, a1, w0, w1)
	var q0, q1, r0, r1 uint64
	if t1 == 0 {
		_, n[2] = bits.Div64(0, n[2], t0) // amount × weight ÷ total is no more than amount, so nothing stands higher
		q1, n[1] = bits.Div64(n[2], n[1], t0)
		q0, r0 = bits.Div64(n[1], n[0], t0)
	} else {
		q0, q1, r0, r1 = divide(n, t0, t1)
	}
	if part, err = signed(q0, q1, false, (aneg != wneg) != tneg); err != nil {
		return int128{}, int128{}, err
	}
	rest, err = signed(r0, r1, false, false)
	return part, rest, err
}

func (v int128) magnitude() (lo, hi uint64, negative bool) {
	lo, hi = v.lo, uint64(v.hi)
	if v.hi >= 0 {
		return lo, hi, false
	}
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return lo, hi, true
}

func signed(lo, hi uint64, up, negative bool) (int128, error) {
	if up {
		var carry uint64
		lo, carry = bits.Add64(lo, 1, 0)
		hi += carry
	}
	if compare(lo, hi, limit[0], limit[1]) >= 0 {
		return int128{}, errOverflow
	}
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return int128{lo: lo, hi: int64(hi)}, nil
}

func compare(a0, a1, b0, b1 uint64) int {
	switch {
	case a1 != b1 && a1 < b1, a1 == b1 && a0 < b0:
		return -1
	case a1 == b1 && a0 == b0:
		return 0
	}
	return 1
}

// multiply is the 256 bit product of two 128 bit magnitudes, low word first.
func multiply(a0, a1, b0, b1 uint64) (n [4]uint64) {
	n[1], n[0] = bits.Mul64(a0, b0)
	hi, lo := bits.Mul64(a1, b0)
	var carry uint64
	n[1], carry = bits.Add64(n[1], lo, 0)
	n[2], n[3] = bits.Add64(hi, 0, carry)
	hi, lo = bits.Mul64(a0, b1)
	n[1], carry = bits.Add64(n[1], lo, 0)
	n[2], carry = bits.Add64(n[2], hi, carry)
	n[3] += carry
	hi, lo = bits.Mul64(a1, b1)
	n[2], carry = bits.Add64(n[2], lo, 0)
	n[3] += hi + carry
	return n
}

// divide is schoolbook division (Knuth's algorithm D) of four words by two, whose high word b1 is not
// zero. The quotient must fit two words: of [ratio] the number has at most 187 bits, of [share] it is no
// more than an amount times the divisor.
func divide(n [4]uint64, b0, b1 uint64) (q0, q1, r0, r1 uint64) {
	shift := uint(bits.LeadingZeros64(b1))
	if shift > 0 {
		b1 = b1<<shift | b0>>(64-shift)
		b0 <<= shift
		n[3] = n[3]<<shift | n[2]>>(64-shift)
		n[2] = n[2]<<shift | n[1]>>(64-shift)
		n[1] = n[1]<<shift | n[0]>>(64-shift)
		n[0] <<= shift
	}
	q1, n[2], n[1] = divideStep(n[3], n[2], n[1], b0, b1)
	q0, n[1], n[0] = divideStep(n[2], n[1], n[0], b0, b1)
	r0, r1 = n[0], n[1]
	if shift > 0 {
		r0 = r0>>shift | r1<<(64-shift)
		r1 >>= shift
	}
	return q0, q1, r0, r1
}

// divideStep divides three words (below b × 2^64) by the two words of b, whose top bit is set:
// one word of quotient, two of remainder.
func divideStep(n2, n1, n0, b0, b1 uint64) (q, r1, r0 uint64) {
	q = ^uint64(0)
	if n2 < b1 {
		q, _ = bits.Div64(n2, n1, b1)
	}
	// q × b, three words; the estimate q is too large by at most two.
	p1, p0 := bits.Mul64(q, b0)
	hi, lo := bits.Mul64(q, b1)
	p1, carry := bits.Add64(p1, lo, 0)
	p2 := hi + carry
	for p2 > n2 || p2 == n2 && (p1 > n1 || p1 == n1 && p0 > n0) {
		q--
		p0, carry = bits.Sub64(p0, b0, 0)
		p1, carry = bits.Sub64(p1, b1, carry)
		p2 -= carry
	}
	r0, carry = bits.Sub64(n0, p0, 0)
	r1, _ = bits.Sub64(n1, p1, carry)
	return q, r1, r0
}

// String is the value in full, with its 18 places, as the engine prints it.
func (v int128) String() string {
	lo, hi, negative := v.magnitude()
	whole, rest := bits.Div64(0, hi, one)
	low, fraction := bits.Div64(rest, lo, one)
	// Below 10^38 the quotient has at most 67 bits, three of them above the word.
	text := new(big.Int).Lsh(new(big.Int).SetUint64(whole), 64)
	text.Add(text, new(big.Int).SetUint64(low))
	sign := ""
	if negative {
		sign = "-"
	}
	return fmt.Sprintf("%s%d.%018d", sign, text, fraction)
}
