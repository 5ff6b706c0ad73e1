package azuresim

import (
	"math/big"
	"math/bits"
)

// amountScale is how many fraction digits an amount carries. The longest product the simulator serves is a quantity of
// 12 digits at a price of 9, so nothing it serves is rounded by being held as an amount.
const amountScale = 21

// num is a short decimal: c × 10^-s. Quantities, prices and exchange rates are nums.
type num struct {
	c int64
	s uint8
}

// amount is a long decimal: (hi<<64 | lo) × 10^-21, two's complement. Costs and sums are amounts. There is no float
// anywhere on the way from a seed to a served digit. Amounts reach to 10^16.
type amount struct {
	hi int64
	lo uint64
}

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// mul is the exact product of a quantity and a price; beyond 21 fraction digits it is rounded half to even.
func mul(q, p num) amount {
	hi, lo := bits.Mul64(abs64(q.c), abs64(p.c))
	hi, lo = rescale(hi, lo, int(q.s)+int(p.s))
	return signed(hi, lo, (q.c < 0) != (p.c < 0))
}

// rescale brings hi:lo × 10^-scale to the scale of amounts.
func rescale(hi, lo uint64, scale int) (uint64, uint64) {
	for scale < amountScale {
		step := min(amountScale-scale, 19)
		h, l := bits.Mul64(lo, pow10[step])
		hi, lo = hi*pow10[step]+h, l
		scale += step
	}
	if scale > amountScale {
		hi, lo = divEven(0, hi, lo, pow10[scale-amountScale])
	}
	return hi, lo
}

// divEven divides a 192-bit number by d, rounding half to even.
func divEven(w2, w1, w0, d uint64) (uint64, uint64) {
	q1, r := bits.Div64(w2%d, w1, d)
	q0, r := bits.Div64(r, w0, d)
	if up := r > d-r || (r == d-r && q0&1 == 1); up && r > 0 {
		var carry uint64
		q0, carry = bits.Add64(q0, 1, 0)
		q1 += carry
	}
	return q1, q0
}

func abs64(v int64) uint64 {
	if v < 0 {
		return uint64(-v)
	}
	return uint64(v)
}

func signed(hi, lo uint64, negative bool) amount {
	a := amount{int64(hi), lo}
	if negative {
		return a.neg()
	}
	return a
}

func (n num) amount() amount {
	hi, lo := rescale(0, abs64(n.c), int(n.s))
	return signed(hi, lo, n.c < 0)
}

// percent is n × k/100, exactly: percent(107) adds seven per cent.
func (n num) percent(k int64) num { return num{n.c * k, n.s + 2}.trim() }

// trim drops trailing zeros so that products stay short.
func (n num) trim() num {
	for n.s > 0 && n.c%10 == 0 {
		n.c, n.s = n.c/10, n.s-1
	}
	return n
}

func cents(c int64) amount { return num{c, 2}.amount() }

func (a amount) add(b amount) amount {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return amount{a.hi + b.hi + int64(carry), lo}
}

func (a amount) neg() amount {
	lo, borrow := bits.Sub64(0, a.lo, 0)
	return amount{-a.hi - int64(borrow), lo}
}

func (a amount) sub(b amount) amount { return a.add(b.neg()) }

func (a amount) isZero() bool { return a.hi == 0 && a.lo == 0 }

func (a amount) less(b amount) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a amount) abs() (hi, lo uint64, negative bool) {
	if a.hi < 0 {
		a, negative = a.neg(), true
	}
	return uint64(a.hi), a.lo, negative
}

// times is a × n rounded half to even at the 18th digit: an amount in pricing currency turned into billing currency.
func (a amount) times(n num) amount {
	hi, lo, negative := a.abs()
	c := abs64(n.c)
	h0, w0 := bits.Mul64(lo, c)
	h1, l1 := bits.Mul64(hi, c)
	w1, carry := bits.Add64(l1, h0, 0)
	q1, q0 := divEven(h1+carry, w1, w0, pow10[n.s+3])
	h, l := bits.Mul64(q0, 1000)
	return signed(q1*1000+h, l, negative != (n.c < 0))
}

// rounded is rounded half to even at the 18th digit, as a reader with 18 digits would.
func (a amount) rounded() amount {
	hi, lo, negative := a.abs()
	unit := pow10[amountScale-18]
	hi, lo = divEven(0, hi, lo, unit)
	h, l := bits.Mul64(lo, unit)
	return signed(hi*unit+h, l, negative)
}

// round2 rounds half away from zero to whole cents, as an invoice does.
func (a amount) round2() amount {
	hi, lo, negative := a.abs()
	lo, carry := bits.Add64(lo, pow10[19]/2, 0)
	q, _ := bits.Div64(hi+carry, lo, pow10[19])
	h, l := bits.Mul64(q, pow10[19])
	return signed(h, l, negative)
}

// big is the amount as an integer of 10^-21.
func (a amount) big() *big.Int {
	v := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return v.Add(v, new(big.Int).SetUint64(a.lo))
}

// fromBig is the inverse of big.
func fromBig(v *big.Int) amount {
	negative := v.Sign() < 0
	m := new(big.Int).Abs(v)
	lo := new(big.Int).And(m, new(big.Int).SetUint64(^uint64(0))).Uint64()
	return signed(new(big.Int).Rsh(m, 64).Uint64(), lo, negative)
}

// over is a ÷ n rounded towards zero at the 18th digit.
func (a amount) over(n num) amount {
	v := a.big()
	v.Mul(v, new(big.Int).SetUint64(pow10[n.s]))
	v.Quo(v, big.NewInt(n.c))
	v.Quo(v, big.NewInt(1000))
	return fromBig(v.Mul(v, big.NewInt(1000)))
}

// share is a × part/whole rounded half away from zero to cents.
func (a amount) share(part, whole int64) amount {
	v := a.big()
	v.Mul(v, big.NewInt(part))
	return fromBig(v.Quo(v, big.NewInt(whole))).round2()
}

func (a amount) String() string { return string(appendAmount(nil, a, false)) }

func (n num) String() string { return string(appendNum(nil, n, false)) }

func appendNum(b []byte, n num, exponent bool) []byte { return appendAmount(b, n.amount(), exponent) }

// appendAmount writes a in the fewest digits. With exponent it writes what .NET writes for a double below a
// ten-thousandth: 3.1E-05.
func appendAmount(b []byte, a amount, exponent bool) []byte {
	hi, lo, negative := a.abs()
	if negative {
		b = append(b, '-')
	}
	high, low := bits.Div64(hi, lo, pow10[18])
	whole, thousandths := high/1000, high%1000
	if exponent && whole == 0 && thousandths == 0 && low < pow10[17] && low != 0 {
		return appendExponent(b, low)
	}
	b = appendUint(b, whole)
	if thousandths == 0 && low == 0 {
		return b
	}
	b = append(b, '.')
	b = appendPadded(b, thousandths, 3)
	if low == 0 {
		return trimZeros(b)
	}
	return trimZeros(appendPadded(b, low, 18))
}

// appendExponent writes low × 10^-21, which is below 10^-4, as d.dddE-nn.
func appendExponent(b []byte, low uint64) []byte {
	var digits [20]byte
	text := appendUint(digits[:0], low)
	exponent := amountScale - len(text) + 1
	text = trimZeros(text)
	b = append(b, text[0])
	if len(text) > 1 {
		b = append(append(b, '.'), text[1:]...)
	}
	return append(b, 'E', '-', byte('0'+exponent/10), byte('0'+exponent%10))
}

func trimZeros(b []byte) []byte {
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

func appendUint(b []byte, v uint64) []byte {
	var d [20]byte
	i := len(d)
	for {
		i--
		d[i] = byte('0' + v%10)
		if v /= 10; v == 0 {
			return append(b, d[i:]...)
		}
	}
}

func appendPadded(b []byte, v uint64, width int) []byte {
	var d [20]byte
	for i := width - 1; i >= 0; i-- {
		d[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, d[:width]...)
}
