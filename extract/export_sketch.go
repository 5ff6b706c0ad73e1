package extract

import (
	"hash/maphash"
	"slices"
)

// A sketch is a sample of a file's lines that two files take alike: the lines with the
// least hashes. With it two files tell how much they have in common in memory that does
// not grow with them; of files of fewer than sketchLines lines it is exact.
type sketch struct {
	hashes []uint64 // at most twice sketchLines, sorted and distinct up to the last trim
	full   bool
}

const sketchLines = 4096

var sketchSeed = maphash.MakeSeed()

func (s *sketch) add(line []string) {
	var h maphash.Hash
	h.SetSeed(sketchSeed)
	for _, f := range line {
		_, _ = h.WriteString(f) // never fails
		_ = h.WriteByte(0)
	}
	s.hashes = append(s.hashes, h.Sum64())
	if len(s.hashes) == 2*sketchLines {
		s.trim()
	}
}

func (s *sketch) trim() {
	slices.Sort(s.hashes)
	s.hashes = slices.Compact(s.hashes)
	if len(s.hashes) > sketchLines {
		s.hashes, s.full = s.hashes[:sketchLines], true
	}
}

// common is how many of the sampled lines both files have, of how many of the one that
// has fewer.
func (s *sketch) common(t sketch) (common, of int) {
	s.trim()
	t.trim()
	mine, theirs := s.hashes, t.hashes
	if s.full { // beyond its last hash a full sketch knows nothing
		theirs = upTo(theirs, mine[len(mine)-1])
	}
	if t.full {
		mine = upTo(mine, t.hashes[len(t.hashes)-1])
	}
	for _, h := range mine {
		if _, ok := slices.BinarySearch(theirs, h); ok {
			common++
		}
	}
	return common, max(1, min(len(mine), len(theirs)))
}

func upTo(hashes []uint64, last uint64) []uint64 {
	n, found := slices.BinarySearch(hashes, last)
	if found {
		n++
	}
	return hashes[:n]
}
