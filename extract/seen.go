package extract

import "hash/maphash"

// A seen notices records that came before, letter by letter. Azure serves charges that
// are alike, so they count and are only reported; but where a page begins with the very
// record that the page before ended with, records may have been put in front of it in
// between, and the pages be of two lists.
type seen struct {
	seed       maphash.Seed
	hashes     recentHashes
	last       uint64   // the last record of the list's page before
	within     bool     // the list had a page before
	page       []uint64 // records of the page being read, which may turn out damaged
	duplicates int64
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed()} }

func (s *seen) record(text []byte) { s.page = append(s.page, maphash.Bytes(s.seed, text)) }

// turn takes in the page that was read, and tells whether it begins with the record that
// the one before ended with.
func (s *seen) turn() (shifted bool) {
	if len(s.page) == 0 {
		return false
	}
	shifted = s.within && s.page[0] == s.last
	for _, hash := range s.page {
		if !s.hashes.add(hash) {
			s.duplicates++
		}
	}
	s.last, s.within = s.page[len(s.page)-1], true
	return shifted
}

// recentHashes are the hashes of the last records: of all of them up to manyHashes, and
// from there on at least of the last manyHashes and at most of twice as many. They take 16
// MB at most, however long the list. When the newer half is full, it becomes the older one,
// and what that held is forgotten.
type recentHashes struct{ newer, older hashSet }

// manyHashes is far more than pages that were shifted against each other lie apart, and
// more records than most lists have.
const manyHashes = hashSlots / 4 * 3

// add takes in a hash and tells whether it is new.
func (r *recentHashes) add(hash uint64) bool {
	if r.older.has(hash) || !r.newer.add(hash) {
		return false
	}
	if r.newer.count == manyHashes {
		r.newer, r.older = hashSet{}, r.newer
	}
	return true
}

// A hashSet is a table of hashes in which each stands at the place it names, or at the
// next that is free. It is never more than three quarters full.
type hashSet struct {
	slots []uint64 // a power of two of them; 0 is free
	count int
}

const hashSlots = 1 << 20

// find is the place of a hash, or the free one that it would have.
func (s *hashSet) find(hash uint64) int {
	for i := hash; ; i++ {
		i &= uint64(len(s.slots) - 1)
		if s.slots[i] == hash || s.slots[i] == 0 {
			return int(i)
		}
	}
}

// has tells whether the set has the hash. 0 stands for 1, which is as good.
func (s *hashSet) has(hash uint64) bool {
	hash = max(hash, 1)
	return s.count > 0 && s.slots[s.find(hash)] == hash
}

// add takes in a hash and tells whether it is new.
func (s *hashSet) add(hash uint64) bool {
	hash = max(hash, 1)
	if s.count >= len(s.slots)/4*3 {
		s.grow()
	}
	at := s.find(hash)
	if s.slots[at] == hash {
		return false
	}
	s.slots[at] = hash
	s.count++
	return true
}

func (s *hashSet) grow() {
	before := s.slots
	s.slots = make([]uint64, max(1024, 2*len(before)))
	for _, hash := range before {
		if hash != 0 {
			s.slots[s.find(hash)] = hash
		}
	}
}
