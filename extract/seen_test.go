package extract

import (
	"math/rand/v2"
	"testing"
)

// Up to manyHashes it is a set, however its hashes collide.
func TestRecentHashesAreASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, mask := range []uint64{1<<64 - 1, 0xFFF, 0xFFF << 52, hashSlots - 1} {
		var recent recentHashes
		known := map[uint64]bool{}
		for range 200_000 {
			h := max(1, r.Uint64()&mask)
			if recent.add(h) == known[h] {
				t.Fatalf("mask %x: hash %x: new %t", mask, h, known[h])
			}
			known[h] = true
		}
	}
}

// Beyond that it remembers the last ones and does not grow.
func TestRecentHashesStaySmall(t *testing.T) {
	var recent recentHashes
	for i := range uint64(5 * manyHashes) {
		if h := i * 0x9E3779B97F4A7C15; !recent.add(h) {
			t.Fatalf("hash %d is not new", i)
		}
		if i >= manyHashes && i%1000 == 0 && recent.add((i-manyHashes+1)*0x9E3779B97F4A7C15) {
			t.Fatalf("of the last %d hashes at %d the first is forgotten", manyHashes, i)
		}
	}
	if bytes := 8 * (len(recent.newer.slots) + len(recent.older.slots)); bytes > 16<<20 {
		t.Errorf("it takes %d bytes", bytes)
	}
}

func TestNullHashIsAHash(t *testing.T) {
	var recent recentHashes
	if !recent.add(0) || recent.add(0) {
		t.Error("0 is new once")
	}
}
