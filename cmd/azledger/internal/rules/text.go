package rules

import (
	"math/big"
	"regexp"
	"strings"
	"time"
)

// fold is how texts are compared: lower case, trimmed, one blank for many.
func fold(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }

// isPattern tells whether a text stands for others.
func isPattern(text string) bool { return strings.ContainsAny(text, "*?") }

var likeSigns = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%", "?", "_")

// like turns a text with * and ? into a folded pattern of LIKE with the escape \.
func like(text string) string { return likeSigns.Replace(fold(text)) }

// subscription is the GUID of a subscription, from its ARM id as well.
func subscription(text string) string {
	return strings.TrimPrefix(fold(text), "/subscriptions/")
}

var (
	guid         = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	exactDecimal = regexp.MustCompile(`^-?[0-9]{1,20}(\.[0-9]{1,18})?$`)
	currency     = regexp.MustCompile(`^[A-Z]{3}$`)
	monthText    = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)
)

const wantedDecimal = "want a decimal number with at most 20 digits before the point and 18 behind it, such as 12.5"

// decimal reads a number exactly; nil where it is none.
func decimal(text string) *big.Rat {
	if !exactDecimal.MatchString(text) {
		return nil
	}
	n, _ := new(big.Rat).SetString(text)
	return n
}

// isDay tells whether a text is a day such as 2026-10-31.
func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// overlap tells whether two spans of days have one in common; an empty end is open.
func overlap(fromA, toA, fromB, toB string) bool {
	return (toA == "" || fromB == "" || fromB <= toA) && (toB == "" || fromA == "" || fromA <= toB)
}
