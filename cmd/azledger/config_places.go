package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const wantedPlace = "want a directory or https://<account>.blob.core.windows.net/<container>/<prefix>"

// placeProblems finds places for the lake and the publication that cannot be right.
func (c *config) placeProblems() []problem {
	var found []problem
	for _, p := range []struct{ key, place string }{{"lake", c.Lake}, {"publish", c.Publish}} {
		if text := wrongPlace(p.place); text != "" {
			found = append(found, problem{p.key, text})
		}
	}
	if len(found) > 0 {
		return found
	}
	if text := overlap(c.Publish, c.Lake); text != "" {
		key := "publish"
		if !c.gives(key) && c.gives("lake") {
			key = "lake" // the default of the one is the given other
		}
		found = append(found, problem{key, text})
	}
	return found
}

// wrongPlace says what is wrong with an address; "" for a directory. The address itself
// is not repeated: it may carry a signature.
func wrongPlace(place string) string {
	if !strings.Contains(place, "://") || loopback(place) {
		return ""
	}
	u, err := url.Parse(place)
	switch {
	case err != nil:
		return "an address that cannot be read: " + wantedPlace
	case u.Scheme == "http":
		return "bills do not travel in clear text: " + wantedPlace + ", or http:// on this machine"
	case u.Scheme != "https":
		return u.Scheme + ":// is not supported: " + wantedPlace
	case strings.Trim(u.Path, "/") == "":
		return "the address names no container: " + wantedPlace
	}
	return ""
}

// overlap says how publish and lake share a place. Readers of the publication would find
// the lake's raw data, which is not theirs, and a lake that is deleted would take the
// publication with it.
func overlap(publish, lake string) string {
	if isURL(publish) != isURL(lake) {
		return ""
	}
	p, l := canonical(publish), canonical(lake)
	switch {
	case p == l:
		return "the same place as lake: " + placeOfItsOwn
	case strings.HasPrefix(p, strings.TrimSuffix(l, "/")+"/"):
		return "inside lake: " + placeOfItsOwn
	case strings.HasPrefix(l, strings.TrimSuffix(p, "/")+"/"):
		return "lake is inside it: " + placeOfItsOwn
	}
	return ""
}

const placeOfItsOwn = "each wants a place of its own, such as two folders side by side"

// canonical is one spelling of a place: of an address without its signature, of a
// directory the path without symbolic links.
func canonical(place string) string {
	if u, err := url.Parse(place); isURL(place) && err == nil {
		return strings.ToLower(u.Host) + "/" + strings.Trim(u.Path, "/")
	}
	abs, err := filepath.Abs(place)
	if err != nil {
		return filepath.Clean(place)
	}
	return resolved(abs)
}

// resolved follows the symbolic links of as much of the path as is there.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	if target, err := os.Readlink(path); err == nil { // to something that is not there yet
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		return filepath.Clean(target)
	}
	return filepath.Join(resolved(parent), filepath.Base(path))
}
