package extract

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// A catalogue is walked from the first page to the last, round after round, and its
// records are the union of all rounds. Two rounds in a row that bring nothing new end it.
// Where a walk loses one record in a hundred, two hundred thousand records lack two
// thousand after the first round, twenty after the second, and none after the fourth.
//
// A record is known by a hash of all its fields, as no choice of fields is documented to
// tell records apart: two that differ in anything are two. There is one exception. Prices
// may change while they are read, and then later rounds serve a record with another price
// or start date and never again the old one: the old one is dropped.
//
// The pages of all rounds are in the journal one after the other, so a run that dies goes
// on where it stopped. Of each record memory holds some hundred bytes; its text goes to a
// file. Rows are landed in the order of meter and hash, so that the same prices make the
// same bytes however the walks went.
type catalogue struct {
	shard    retailShard
	run      *run
	landing  *landing
	spool    *spool
	progress func(int64)

	texts *os.File // the records, one after the other
	size  int64
	seen  map[recordHash]*sighting
	known map[recordHash]*sighting // by the hash of a record as served: what became of it, nil for one of another shard
	page  []retailRecord           // of the page that is being taken
	start int                      // lines of the spool before this round
	round uint8                    // from 1
	fresh int                      // records first seen in this round
	quiet int                      // rounds in a row without any
}

// stillRounds in a row without a new record end the walks; maxRounds is when a catalogue is
// taken for one that does not come to rest.
const (
	stillRounds = 2
	maxRounds   = 12
)

type recordHash [16]byte

// A sighting is a record that was seen.
type sighting struct {
	hash        recordHash
	meter       [16]byte
	place       recordHash // of the record without its prices and dates
	at          int64      // of its text
	length      int32
	first, last uint8 // round
}

// A retailRecord is a record of a page: its fields in the order of their names.
type retailRecord struct {
	sighting
	served recordHash
	text   []byte // nil if it is known
}

func (s retailShard) fill(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
	if r.o.Client == nil {
		return 0, errors.New("no client to ask for retail prices")
	}
	first, err := r.o.Client.at(retailService).locate(s.request().URL)
	if err != nil {
		return 0, err
	}
	pages, err := r.lake.openSpool(s.unit(), pageLine{URL: first.String()}, r.now())
	if err != nil {
		return 0, err
	}
	defer pages.close()
	c := &catalogue{shard: s, run: r, landing: l, spool: pages, progress: progress, seen: map[recordHash]*sighting{}, known: map[recordHash]*sighting{}, round: 1}
	if c.texts, err = os.CreateTemp(l.dir, "records-*.json"); err != nil {
		return 0, err
	}
	defer c.discard()
	requests, err := c.fill(ctx)
	return requests, s.explain(err, len(c.seen))
}

// discard removes the texts. The folder is cleared before the next attempt as well.
func (c *catalogue) discard() {
	_ = c.texts.Close()
	_ = os.Remove(c.texts.Name())
}

func (c *catalogue) fill(ctx context.Context) (int64, error) {
	if err := c.replay(); err != nil {
		return 0, err
	}
	resumed := len(c.spool.lines)
	err := c.untilStill(ctx)
	if resumed > 0 && expired(err) {
		c.run.log.Warn("the link to the next page has expired since the last run, beginning the unit anew", "unit", c.shard.unit().String(), "error", err)
		return 0, errors.Join(errRestart, c.spool.clear())
	}
	if err == nil {
		err = c.land()
	}
	return int64(len(c.spool.lines)), err
}

// replay takes the pages that the journal has.
func (c *catalogue) replay() error {
	for i, l := range c.spool.lines {
		body, err := c.spool.body(l)
		if err != nil {
			return err
		}
		if _, err := c.read(body); err != nil {
			return err
		}
		if err := c.take(l.Next == "", i+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *catalogue) untilStill(ctx context.Context) error {
	for attempt := 1; c.quiet < stillRounds; {
		if c.round > maxRounds {
			return fmt.Errorf("the list of prices does not come to rest: walk %d still brought records that the others before it had not, %d in all; run again later", maxRounds, len(c.seen))
		}
		before := len(c.spool.lines)
		err := c.walk(ctx)
		if _, broken := errors.AsType[*pageError](err); err != nil && !broken {
			return err
		}
		if attempt++; len(c.spool.lines) > before {
			attempt = 1
		}
		if err != nil && attempt > pageAttempts {
			return fmt.Errorf("%w (asked %d times)", err, pageAttempts)
		}
	}
	return nil
}

// walk asks for what is missing of a round. The same page twice in one round is a fault
// of the service, as everywhere.
func (c *catalogue) walk(ctx context.Context) error {
	var at cursor
	for _, l := range c.spool.lines[c.start:] {
		at = at.after(l)
	}
	at.Number = len(c.spool.lines) + 1 - c.start
	for p, err := range c.run.o.Client.pages(ctx, c.shard.request(), at, c.read) {
		if err != nil {
			return fmt.Errorf("walk %d: %w", c.round, err)
		}
		number := len(c.spool.lines) + 1
		line := pageLine{Number: number, URL: p.URL, Next: p.Next, RequestID: p.RequestID, At: p.At, Bytes: len(p.Body), SHA256: p.SHA256, RowsHash: p.Rows}
		if err := c.spool.add(line, p.Body); err != nil {
			return err
		}
		if err := c.take(p.Next == "", number); err != nil {
			return err
		}
	}
	return nil
}

// read takes a page apart and returns its link to the next. Nothing of it counts yet.
func (c *catalogue) read(body []byte) (next string, err error) {
	c.page = c.page[:0]
	var list struct {
		Items        []json.RawMessage
		NextPageLink string
		Count        *int
	}
	if len(body) == 0 { // 204
		return "", nil
	}
	if err = checkText(body); err == nil {
		err = json.Unmarshal(body, &list)
	}
	switch {
	case err != nil:
	case list.Items == nil:
		err = fmt.Errorf("the body has no Items: %q", short(body))
	case list.Count != nil && *list.Count != len(list.Items):
		err = fmt.Errorf("the page says it has %d records and has %d", *list.Count, len(list.Items))
	}
	for i := 0; i < len(list.Items) && err == nil; i++ {
		err = c.readRecord(list.Items[i])
	}
	if err != nil {
		return "", &pageError{err}
	}
	c.landing.received += int64(len(body))
	return list.NextPageLink, nil
}

// readRecord takes a record apart, unless a record of the same letters was: most walks
// bring nothing else.
func (c *catalogue) readRecord(text []byte) error {
	sum := sha256.Sum256(text)
	served := recordHash(sum[:16])
	if s, known := c.known[served]; known {
		if s != nil {
			c.page = append(c.page, retailRecord{sighting: *s})
		}
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Errorf("record %q: %w", short(text), err)
	}
	if !c.shard.has(textOf(fields["serviceFamily"])) {
		c.known[served] = nil
		return nil
	}
	r := newRetailRecord(fields)
	r.served = served
	c.page = append(c.page, r)
	return nil
}

// restatable are the fields in which a record may change while it stays the same offer.
var restatable = []string{"unitPrice", "retailPrice", "savingsPlan", "effectiveStartDate", "effectiveEndDate"}

func newRetailRecord(fields map[string]json.RawMessage) retailRecord {
	r := retailRecord{text: []byte{'{'}}
	place := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if len(r.text) > 1 {
			r.text = append(r.text, ',')
		}
		at := len(r.text)
		r.text = append(appendJSONString(r.text, name), ':')
		r.text = appendCompact(r.text, fields[name])
		if !slices.Contains(restatable, name) {
			place.Write(append(r.text[at:len(r.text):len(r.text)], 0))
		}
	}
	r.text = append(r.text, '}')
	all := sha256.Sum256(r.text)
	r.hash, r.place = recordHash(all[:16]), recordHash(place.Sum(nil)[:16])
	r.meter = meterOrder(textOf(fields["meterId"]))
	return r
}

// meterOrder is what rows are ordered by: a meter's id, which is a GUID.
func meterOrder(id string) (order [16]byte) {
	digits := []byte(strings.ReplaceAll(id, "-", ""))
	if len(digits) == hex.EncodedLen(len(order)) {
		if _, err := hex.Decode(order[:], digits); err == nil {
			return order
		}
	}
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

// take counts the records of a page that is in the journal, and ends the round on its last.
func (c *catalogue) take(last bool, lines int) error {
	for _, r := range c.page {
		if known := c.seen[r.hash]; known != nil {
			known.last = c.round
			if r.text != nil { // with its fields in another order
				c.known[r.served] = known
			}
			continue
		}
		s := r.sighting
		s.first, s.last, s.at, s.length = c.round, c.round, c.size, int32(len(r.text))
		if _, err := c.texts.Write(r.text); err != nil {
			return fmt.Errorf("records of %s: %w", c.shard.unit(), err)
		}
		c.size += int64(s.length)
		c.seen[s.hash], c.known[r.served] = &s, &s
		c.fresh++
	}
	c.page = c.page[:0]
	c.progress(int64(len(c.seen)))
	if last {
		c.endRound(lines)
	}
	return nil
}

func (c *catalogue) endRound(lines int) {
	c.quiet++
	if c.fresh > 0 {
		c.quiet = 0
	}
	if c.fresh > 0 && c.round > 1 {
		c.run.log.Debug("a walk brought records that those before it had not", "unit", c.shard.unit().String(), "walk", c.round, "records", c.fresh)
	}
	c.fresh, c.start = 0, lines
	c.round++
}

// kept are the records without those that were restated while they were read, in the
// order in which they are landed.
func (c *catalogue) kept() []*sighting {
	newest := map[recordHash]uint8{}
	for _, s := range c.seen {
		newest[s.place] = max(newest[s.place], s.first)
	}
	all := make([]*sighting, 0, len(c.seen))
	for _, s := range c.seen {
		if s.last >= newest[s.place] {
			all = append(all, s)
		}
	}
	if restated := len(c.seen) - len(all); restated > 0 {
		c.run.log.Info("prices changed while they were being read; the newer ones are kept", "unit", c.shard.unit().String(), "records", restated)
	}
	slices.SortFunc(all, func(a, b *sighting) int {
		return cmp.Or(bytes.Compare(a.meter[:], b.meter[:]), bytes.Compare(a.hash[:], b.hash[:]))
	})
	return all
}

// retailPageRows is how many records the raw file counts as a page.
const retailPageRows = 1000

// land writes the records.
func (c *catalogue) land() error {
	records := c.kept()
	number := int64(0)
	for group := range slices.Chunk(records, retailPageRows) {
		body := []byte(`{"Items":[`)
		for i, s := range group {
			if i > 0 {
				body = append(body, ',')
			}
			at := len(body)
			body = append(body, make([]byte, s.length)...)
			if _, err := c.texts.ReadAt(body[at:], s.at); err != nil {
				return fmt.Errorf("records of %s: %w", c.shard.unit(), err)
			}
		}
		number++
		if _, err := c.landing.jsonPage(number, fmt.Sprintf("thousand %d", number), append(body, `]}`...), jsonShape{Rows: "Items"}); err != nil {
			return err
		}
	}
	return nil
}
