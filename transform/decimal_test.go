package transform

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

var (
	scale    = new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	tooLarge = new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)
)

// unscaled draws decimals of every length, and often those at the edges of a machine word.
func unscaled() *rapid.Generator[*big.Int] {
	return rapid.Custom(func(t *rapid.T) *big.Int {
		v := new(big.Int)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			v.SetInt64(rapid.Int64().Draw(t, "word"))
		case 1:
			v.Exp(big.NewInt(10), big.NewInt(rapid.Int64Range(0, 37).Draw(t, "power")), nil)
			v.Add(v, big.NewInt(rapid.Int64Range(-3, 3).Draw(t, "near")))
		case 2:
			v.Lsh(big.NewInt(1), rapid.UintRange(0, 126).Draw(t, "bit"))
			v.Add(v, big.NewInt(rapid.Int64Range(-3, 3).Draw(t, "near")))
		default:
			digits := rapid.StringMatching(`[0-9]{1,38}`).Draw(t, "digits")
			v.SetString(digits, 10)
		}
		if v.CmpAbs(tooLarge) >= 0 {
			v.Rem(v, tooLarge)
		}
		if rapid.Bool().Draw(t, "negative") {
			v.Neg(v)
		}
		return v
	})
}

// halfEven is the reference: a rational rounded to 18 places, half to even, unscaled.
func halfEven(r *big.Rat) *big.Int {
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(scale))
	q, rem := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	switch rem.Lsh(rem, 1).CmpAbs(scaled.Denom()) {
	case 1:
		q.Add(q, big.NewInt(int64(scaled.Sign())))
	case 0:
		if q.Bit(0) == 1 {
			q.Add(q, big.NewInt(int64(scaled.Sign())))
		}
	}
	return q
}

func toInt128(v *big.Int) int128 {
	m := new(big.Int).And(v, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)))
	lo := new(big.Int).And(m, new(big.Int).SetUint64(^uint64(0))).Uint64()
	return int128{lo: lo, hi: int64(new(big.Int).Rsh(m, 64).Uint64())}
}

func (v int128) big() *big.Int {
	b := new(big.Int).Lsh(big.NewInt(v.hi), 64)
	return b.Add(b, new(big.Int).SetUint64(v.lo))
}

func checkAgainst(t *rapid.T, name string, a, b *big.Int, got int128, err error, exact *big.Rat) {
	want := halfEven(exact)
	if want.CmpAbs(tooLarge) >= 0 {
		if err == nil {
			t.Fatalf("%s(%d, %d) = %d, want an overflow", name, a, b, got.big())
		}
		return
	}
	if err != nil || got.big().Cmp(want) != 0 {
		t.Fatalf("%s(%d, %d) = %d, %v; want %d", name, a, b, got.big(), err, want)
	}
}

func TestProductIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := unscaled().Draw(t, "a"), unscaled().Draw(t, "b")
		got, err := product(toInt128(a), toInt128(b))
		checkAgainst(t, "product", a, b, got, err, new(big.Rat).Mul(new(big.Rat).SetFrac(a, scale), new(big.Rat).SetFrac(b, scale)))
	})
}

func TestRatioIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := unscaled().Draw(t, "a"), unscaled().Draw(t, "b")
		if b.Sign() == 0 {
			b.SetInt64(1)
		}
		got, err := ratio(toInt128(a), toInt128(b))
		checkAgainst(t, "ratio", a, b, got, err, new(big.Rat).SetFrac(a, b))
	})
}

// A weight is a part of the total; the amount may have either sign, and be of any length.
func TestShareIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount, total := unscaled().Draw(t, "amount"), unscaled().Draw(t, "total")
		if total.Abs(total).Sign() == 0 {
			total.SetInt64(1)
		}
		weight := unscaled().Draw(t, "weight")
		if weight.Abs(weight).Cmp(total) > 0 {
			weight.Rem(weight, total)
		}
		part, rest, err := share(toInt128(amount), toInt128(weight), toInt128(total))
		wantPart, wantRest := new(big.Int).QuoRem(new(big.Int).Mul(amount, weight), total, new(big.Int))
		if err != nil || part.big().Cmp(wantPart) != 0 || rest.big().CmpAbs(wantRest) != 0 {
			t.Fatalf("share(%d, %d, %d) = %d and %d, %v; want %d and %d", amount, weight, total, part.big(), rest.big(), err, wantPart, wantRest)
		}
	})
}

func TestShareRefusesAWeightAboveTheTotal(t *testing.T) {
	if _, _, err := share(int128{lo: 1}, int128{lo: 3}, int128{lo: 2}); err == nil {
		t.Error("a weight of 3 in a total of 2 has a share")
	}
}

func BenchmarkRatio(b *testing.B) {
	n, d := toInt128(mustInt("123456789012345678901234")), toInt128(mustInt("744000000000000000001"))
	for b.Loop() {
		_, _ = ratio(n, d)
	}
}

func BenchmarkProduct(b *testing.B) {
	n, d := toInt128(mustInt("123456789012345678901234")), toInt128(mustInt("-744000000000000000001"))
	for b.Loop() {
		_, _ = product(n, d)
	}
}

func mustInt(s string) *big.Int {
	v, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return v
}
