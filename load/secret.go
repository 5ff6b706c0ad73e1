package load

import "fmt"

// A Secret is a text that fmt, log/slog and encoding/json print as **redacted**. It is a struct because encoding/json
// prints a map's keys of a string type without asking them.
type Secret struct{ text string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text} }

const redacted = "**redacted**"

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// String implements fmt.Stringer. An empty secret hides nothing.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter, so that no verb shows the text.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText implements encoding.TextMarshaler, which log/slog and encoding/json use.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
