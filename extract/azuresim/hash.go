package azuresim

// mix is the finalizer of SplitMix64. Every value of the simulated enterprise is a pure function of the seed and of where
// the value stands (account, day, line), so a page can be made without the pages before it.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func mix2(a, b uint64) uint64 { return mix(mix(a) ^ b) }

func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

const hexDigits = "0123456789abcdef"

// appendGUID writes a lower-case GUID made of h.
func appendGUID(b []byte, h uint64) []byte {
	hi, lo := mix(h), mix(h+1)
	for i := 0; i < 32; i++ {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			b = append(b, '-')
		}
		word := hi
		if i >= 16 {
			word = lo
		}
		b = append(b, hexDigits[word>>(60-4*(i%16))&15])
	}
	return b
}

func guid(h uint64) string { return string(appendGUID(nil, h)) }

const codeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// code writes a name in the form of billing profiles and invoice sections, such as LVWS-SPS7-BG7-TGB.
func code(h uint64) string {
	b := make([]byte, 0, 17)
	for _, n := range []int{4, 4, 3, 3} {
		if len(b) > 0 {
			b = append(b, '-')
		}
		for range n {
			h = mix(h)
			b = append(b, codeLetters[h%32])
		}
	}
	return string(b)
}
