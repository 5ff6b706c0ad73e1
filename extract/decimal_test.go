package extract

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rat is a decimal's value.
func (d decimal) rat() *big.Rat {
	n := new(big.Int).SetInt64(d.hi)
	n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(d.lo))
	return new(big.Rat).SetFrac(n, tenTo(decimalPlaces))
}

func tenTo(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

var numberText = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// oracle reads a number with math/big and rounds it half to even.
func oracle(s string) (value, lost *big.Rat, err error) {
	exact, ok := new(big.Rat), false
	if numberText.MatchString(s) {
		exact, ok = exact.SetString(s)
	}
	if !ok {
		return nil, nil, errNoNumber
	}
	scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(tenTo(decimalPlaces)))
	n, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	twice := new(big.Int).Abs(rest)
	switch twice.Lsh(twice, 1).Cmp(scaled.Denom()) {
	case 1:
		n.Add(n, big.NewInt(int64(rest.Sign())))
	case 0:
		if n.Bit(0) == 1 {
			n.Add(n, big.NewInt(int64(rest.Sign())))
		}
	}
	if n.CmpAbs(tenTo(38)) >= 0 {
		return nil, nil, errTooLarge
	}
	value = new(big.Rat).SetFrac(n, tenTo(decimalPlaces))
	lost = new(big.Rat).Sub(exact, value)
	return value, lost.Abs(lost), nil
}

func checkDecimal(t interface {
	Fatalf(string, ...any)
}, s string,
) {
	got, lost, err := parseDecimal([]byte(s), nil)
	want, wantLost, wantErr := oracle(s)
	if err != wantErr {
		t.Fatalf("parseDecimal(%q): error %v, want %v", s, err, wantErr)
	}
	if err != nil {
		return
	}
	if got.rat().Cmp(want) != 0 {
		t.Fatalf("parseDecimal(%q) = %s, want %s", s, got.rat().FloatString(18), want.FloatString(18))
	}
	gotLost := new(big.Rat)
	if len(lost) > 0 {
		gotLost.SetString("0.000000000000000000" + string(lost))
	}
	if gotLost.Cmp(wantLost) != 0 {
		t.Fatalf("parseDecimal(%q) lost %s, want %s", s, gotLost, wantLost)
	}
}

var nastyNumbers = []string{
	"0", "-0", "0.0", "-0.000", "1", "-1", "0.085", "3.1E-05", "1e-7", "1E+3", "12e0", "007", "00.10",
	"0.000000312312312312312", "0.0000000000000000005", "0.0000000000000000015", "0.00000000000000000050000000000000001",
	"-0.0000000000000000025", "1e-18", "1e-19", "5e-19", "51e-20", "-4E-19", "1e-999", "0e999", "0e-999", "1e999",
	"99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999",
	"99999999999999999999.9999999999999999995", "99999999999999999999.9999999999999999994", "100000000000000000000", "1e20", "1e19", "-1e20",
	"9999999999999999999", "18446744073709551615", "18446744073709551616", "1844674407370955161.6",
	"79228162514264337593543950335", "7.9228162514264337593543950335", "0.1234567890123456789012345678",
	"123456789012.123456789012345678", "1.005", "9.9999999999999999995",
	"NaN", "Infinity", "-Infinity", "1e700000000", "1e0000000001", "1,5", "1.5,0", "1_000", " 1", "1 ", "", "-", "+1", ".5", "5.", "1.e5", "1e", "1e+", "--1", "0x10", "1.2.3", "١", "1e5.5", "1\x00", "null", "$1",
}

func TestDecimalIsExactOrRefused(t *testing.T) {
	for _, s := range nastyNumbers {
		checkDecimal(t, s)
	}
}

func TestDecimalAgreesWithBigRat(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringMatching(`-?[0-9]{1,22}`).Draw(t, "whole")
		if rapid.Bool().Draw(t, "fraction?") {
			s += "." + rapid.StringMatching(`0{0,19}[0-9]{1,22}`).Draw(t, "fraction")
		}
		if rapid.IntRange(0, 4).Draw(t, "tie?") == 0 {
			s = fmt.Sprintf("%d.%018d5", rapid.IntRange(-9, 9).Draw(t, "n"), rapid.Int64Range(0, 99).Draw(t, "f"))
		}
		if rapid.IntRange(0, 2).Draw(t, "exponent?") == 0 {
			s += fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"e", "E", "e+", "E-", "e-"}).Draw(t, "e"), rapid.IntRange(0, 45).Draw(t, "exponent"))
		}
		return strings.Replace(s, "e--", "e-", 1)
	})
	rapid.Check(t, func(t *rapid.T) { checkDecimal(t, number.Draw(t, "number")) })
}

func FuzzDecimal(f *testing.F) {
	for _, s := range nastyNumbers {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < 2000 {
			checkDecimal(t, s)
		}
	})
}

func TestWholeNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-7": "-7", "12.0": "12", "1e3": "1000", "9223372036854775807": "9223372036854775807",
		"-9223372036854775807": "-9223372036854775807",
		"9223372036854775808":  "error", "1.5": "error", "99999999999999999999": "error", "-9223372036854775808": "error",
	} {
		d, _, err := parseDecimal([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := "error"
		if n, err := d.int64(); err == nil {
			got = fmt.Sprint(n)
		}
		if got != want {
			t.Errorf("whole number of %s is %s, want %s", text, got, want)
		}
	}
}

func BenchmarkParseDecimal(b *testing.B) {
	for _, s := range []string{"0.085", "123.456789012345678", "3.1E-05", "0.000000312312312312312"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			scratch := make([]byte, 0, 64)
			text := []byte(s)
			for b.Loop() {
				if _, _, err := parseDecimal(text, scratch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
