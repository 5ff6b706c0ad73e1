package extract

import "hash/maphash"

// A seen notices records that came before, letter by letter. Azure serves charges that
// are alike, so they count and are only reported; but where a page begins with the very
// record that the page before ended with, records may have been put in front of it in
// between, and the pages be of two lists.
//
// Up to maxSeen records are remembered, far more than an API serves in a night.
type seen struct {
	seed       maphash.Seed
	hashes     map[uint64]struct{}
	last       uint64   // the last record of the list's page before
	within     bool     // the list had a page before
	page       []uint64 // records of the page being read, which may turn out damaged
	duplicates int64
}

const maxSeen = 4 << 20

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), hashes: map[uint64]struct{}{}} }

func (s *seen) record(text []byte) { s.page = append(s.page, maphash.Bytes(s.seed, text)) }

// turn takes in the page that was read, and tells whether it begins with the record that
// the one before ended with.
func (s *seen) turn() (shifted bool) {
	if len(s.page) == 0 {
		return false
	}
	shifted = s.within && s.page[0] == s.last
	for _, hash := range s.page {
		if _, again := s.hashes[hash]; again {
			s.duplicates++
		} else if len(s.hashes) < maxSeen {
			s.hashes[hash] = struct{}{}
		}
	}
	s.last, s.within = s.page[len(s.page)-1], true
	return shifted
}
