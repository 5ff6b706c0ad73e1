package azuresim

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// parseAmount reads a decimal in any spelling the simulator writes: 12.5, 3.1E-05.
func parseAmount(s string) (amount, error) {
	v, ok := new(big.Rat).SetString(s)
	if !ok {
		return amount{}, fmt.Errorf("parseAmount(%q): no number", s)
	}
	v.Mul(v, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(amountScale), nil)))
	if !v.IsInt() {
		return amount{}, fmt.Errorf("parseAmount(%q): more than %d fraction digits", s, amountScale)
	}
	return fromBig(v.Num()), nil
}

// parseDay reads a day in any spelling that requests and files use.
func parseDay(s string) (int, error) {
	s = strings.Trim(s, "'")
	if len(s) > 10 {
		s = s[:10]
	}
	for _, layout := range []string{"2006-01-02", "01/02/2006", "01-02-2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return epochDay(t), nil
		}
	}
	return 0, fmt.Errorf("parseDay(%q): want yyyy-MM-dd", s)
}
