package extract

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// printedTotal is what a document's text says is owed.
type printedTotal struct {
	Total    string // a decimal, as -1234.56; "" when not found
	Currency string // ISO 4217; "" when not said beside it
	Reason   string // why it was not found
}

// totalLabels are what a total is called on invoices of Microsoft, the most exact words first.
// A document that has one of the first kind is not searched for the next: what is still due may
// be less than the total. They are compared folded, without accents, at the beginning of a
// line's text.
var totalLabels = [][]string{
	{
		"total amount", "total (including tax)", "total (incl. tax)", "total including tax", "invoice total", "grand total", // English
		"gesamtbetrag", "rechnungsbetrag", "gesamtsumme", "endbetrag", // German
		"montant total", "total ttc", "total general", // French, Spanish
		"importe total", "total factura", "importo totale", "totale fattura", // Spanish, Italian
		"valor total", "montante total", "totaalbedrag", "totaal bedrag", "factuurbedrag", // Portuguese, Dutch
		"samlet belob", "fakturabelob", "totalbelopp", "totalbelop", "kokonaissumma", // Danish, Swedish, Norwegian, Finnish
		"laczna kwota", "celkova castka", "vegosszeg", // Polish, Czech, Hungarian
		"合計金額", "总金额", "總金額", "총액", // Japanese, Chinese, Korean
	},
	{"total", "summe", "totale", "totaal", "totalt", "i alt", "yhteensa", "razem", "suma", "celkem", "osszesen", "合計", "总计", "總計", "합계"},
	{"total due", "amount due", "montant a payer", "total a pagar", "totale da pagare", "att betala", "kwota do zaplaty", "zu zahlender betrag", "ご請求額"},
}

// findTotal looks for the total in the lines of a document. Where the same words stand beside
// different amounts, none is believed.
func findTotal(lines []string) printedTotal {
	for _, labels := range totalLabels {
		var found []printedTotal
		for i, line := range lines {
			rest, ok := afterLabel(line, labels)
			if !ok {
				continue
			}
			total, ok := aloneIn(rest)
			if !ok && i+1 < len(lines) && strings.TrimSpace(rest) == "" {
				total, ok = aloneIn(lines[i+1]) // the figure stands below its label
			}
			if ok {
				found = append(found, total)
			}
		}
		if total, ok := agreed(found); ok {
			return total
		}
		if len(found) > 0 {
			return printedTotal{Reason: fmt.Sprintf("it states several totals: %s and %s", found[0].Total, differing(found))}
		}
	}
	return printedTotal{Reason: "no total was found in its text"}
}

// agreed is the one amount that all state. The currency may stand beside one of them only.
func agreed(found []printedTotal) (printedTotal, bool) {
	if len(found) == 0 {
		return printedTotal{}, false
	}
	all := found[0]
	for _, t := range found[1:] {
		if t.Total != all.Total || t.Currency != "" && all.Currency != "" && t.Currency != all.Currency {
			return printedTotal{}, false
		}
		all.Currency += strings.Repeat(t.Currency, map[bool]int{true: 1}[all.Currency == ""])
	}
	return all, true
}

func differing(found []printedTotal) string {
	for _, t := range found[1:] {
		if t != found[0] {
			return strings.TrimSpace(t.Total + " " + t.Currency)
		}
	}
	return ""
}

// foldAccents takes the accents off the letters that labels have.
var foldAccents = strings.NewReplacer(
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ą", "a", "ç", "c", "č", "c", "ć", "c", "é", "e", "è", "e", "ê", "e", "ě", "e", "ę", "e",
	"í", "i", "î", "i", "ł", "l", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ő", "o", "ś", "s", "š", "s",
	"ú", "u", "ü", "u", "ű", "u", "ý", "y", "ż", "z", "ž", "z", "ź", "z", "\u00a0", " ", "\u202f", " ",
)

// afterLabel is what follows a label at the beginning of a line, less what explains it in
// brackets: "Gesamtbetrag (inkl. 19 % USt.) 1.234,56 EUR".
func afterLabel(line string, labels []string) (string, bool) {
	folded := foldAccents.Replace(strings.ToLower(line))
	for _, label := range labels {
		rest, ok := strings.CutPrefix(folded, label)
		if !ok || rest != "" && isLetter(rest) {
			continue
		}
		rest = strings.TrimLeft(rest, " :")
		if strings.HasPrefix(rest, "(") {
			if inside, after, closed := strings.Cut(rest[1:], ")"); closed && strings.ContainsAny(inside, "abcdefghijklmnopqrstuvwxyz") {
				rest = after
			}
		}
		return rest, true
	}
	return "", false
}

// isLetter tells whether a text begins with a letter of the alphabet: "totale" is not "total".
func isLetter(s string) bool { return s[0] >= 'a' && s[0] <= 'z' }

// figures is a number of one locale or another, with its sign: 1,234.56  1.234,56  1 234,56
// 1'234.56  12,34,567.00  (1,234.56)  1.234,56-.
var figures = regexp.MustCompile(`[-−(]?\s?(?:\d{4,}|\d{1,3}(?:[ .,'’]\d{2,3})*)(?:[.,]\d{1,4})?\)?-?`)

var currencyCode = regexp.MustCompile(`(?i)(?:^|[^a-z])(usd|eur|gbp|chf|sek|nok|dkk|pln|czk|huf|ron|bgn|jpy|cny|hkd|twd|krw|inr|aud|nzd|cad|brl|mxn|zar|ils|aed|sar|qar|kwd|try|rub|thb|sgd|myr|idr|php|vnd|clp|cop|pen|ars|egp|ngn|kes)(?:[^a-z]|$)`)

var currencySigns = []struct{ sign, code string }{{"€", "EUR"}, {"£", "GBP"}, {"₹", "INR"}, {"₩", "KRW"}, {"zl", "PLN"}}

// amountIn is the only amount of a text.
func amountIn(text string) (printedTotal, bool) {
	var found []string
	for _, at := range figures.FindAllStringIndex(text, -1) {
		if n, ok := parseFigures(text[at[0]:at[1]]); ok {
			found = append(found, n)
		}
	}
	found = slices.Compact(found)
	if len(found) != 1 {
		return printedTotal{}, false
	}
	return printedTotal{Total: found[0], Currency: currencyIn(text)}, true
}

// aloneIn is the amount of a text that has nothing but it and its currency: "Total tax 12.00" is
// no total.
func aloneIn(line string) (printedTotal, bool) {
	folded := strings.ToLower(foldAccents.Replace(line))
	rest := currencyCode.ReplaceAllString(figures.ReplaceAllString(folded, ""), "")
	for _, c := range currencySigns {
		rest = strings.ReplaceAll(rest, c.sign, "")
	}
	if strings.Trim(rest, " $¥.:") != "" {
		return printedTotal{}, false
	}
	return amountIn(folded)
}

func currencyIn(text string) string {
	if match := currencyCode.FindStringSubmatch(text); match != nil {
		return strings.ToUpper(match[1])
	}
	for _, c := range currencySigns {
		if strings.Contains(text, c.sign) {
			return c.code
		}
	}
	return ""
}

// parseFigures reads a number without knowing its locale. The last separator is the decimal one
// if it stands before one, two or four digits, or if another kind stands before it; before three
// digits it groups thousands: "1.234" is a thousand and more, as amounts of money are printed.
func parseFigures(text string) (string, bool) {
	text = strings.TrimSpace(text)
	negative := strings.ContainsAny(text, "-−(")
	digits := strings.Trim(text, "-−() ")
	last := strings.LastIndexAny(digits, ".,")
	whole, part := digits, ""
	if last >= 0 && isDecimalMark(digits, last) {
		whole, part = digits[:last], digits[last+1:]
	}
	if !groupsOfThousands(whole) {
		return "", false
	}
	whole = strings.TrimLeft(strings.Map(onlyDigits, whole), "0")
	if whole == "" {
		whole = "0"
	}
	number := whole
	if part = strings.TrimRight(part, "0"); part != "" {
		number += "." + part
	}
	if negative && strings.ContainsAny(number, "123456789") {
		number = "-" + number
	}
	return number, len(whole) <= 18
}

// isDecimalMark tells what the last point or comma of a number is.
func isDecimalMark(digits string, at int) bool {
	mark, after := digits[at:at+1], len(digits)-at-1
	before := digits[:at]
	if strings.Contains(before, mark) {
		return false // 1.234.567
	}
	return after != 3 || strings.ContainsAny(before, ".,'’ ") || before == "0"
}

// groupsOfThousands tells whether what stands before the decimals is grouped as numbers are:
// by threes, or as in India by twos and a last three, with one kind of mark.
func groupsOfThousands(whole string) bool {
	groups := strings.FieldsFunc(whole, func(r rune) bool { return onlyDigits(r) < 0 })
	marks := strings.Map(func(r rune) rune {
		if onlyDigits(r) < 0 {
			return r
		}
		return -1
	}, whole)
	if len(groups) == 0 || strings.Trim(marks, string([]rune(marks + " ")[0])) != "" {
		return false
	}
	for i, g := range groups[1:] {
		if len(g) != 3 && (i+2 == len(groups) || len(g) != 2) {
			return false
		}
	}
	return len(groups) == 1 || len(groups[0]) <= 3
}

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}
