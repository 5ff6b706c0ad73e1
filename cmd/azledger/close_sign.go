package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	signingAlgorithm = "ed25519"
	// signedText stands before the hash in what is signed, so that no signature of anything else will do.
	signedText = "azledger period close\n"
)

// signingKey is the key of the environment, or nil.
func (c *config) signingKey() (ed25519.PrivateKey, error) {
	text := c.secret.SigningKey.Reveal()
	if text == "" {
		return nil, nil
	}
	seed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, usagef("environment: %sSIGNING_KEY: want %d bytes in base64, as openssl rand -base64 %d prints them", envPrefix, ed25519.SeedSize, ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// sign makes the signature of a record.
func (c *config) sign(text []byte) (s signature, err error) {
	s.SHA256 = hashText(text)
	key, err := c.signingKey()
	if err != nil || key == nil {
		return s, err
	}
	s.Algorithm = signingAlgorithm
	s.PublicKey = base64.StdEncoding.EncodeToString(publicKey(key))
	s.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(signedText+s.SHA256)))
	return s, nil
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}

// holds checks the signature itself, and that it is of the key of the environment, if there is one: a record that
// somebody changed can be signed anew with another key.
func (s signature) holds(key ed25519.PrivateKey) error {
	if s.Algorithm == "" && s.PublicKey == "" && s.Signature == "" {
		if key != nil {
			return fmt.Errorf("not signed, although %sSIGNING_KEY is set: the signature was taken away, or the month was closed without the key", envPrefix)
		}
		return nil
	}
	public, err := base64.StdEncoding.DecodeString(s.PublicKey)
	signed, err2 := base64.StdEncoding.DecodeString(s.Signature)
	switch {
	case s.Algorithm != signingAlgorithm || errors.Join(err, err2) != nil || len(public) != ed25519.PublicKeySize:
		return errors.New("is no signature that this program knows")
	case !ed25519.Verify(public, []byte(signedText+s.SHA256), signed):
		return errors.New("the signature is wrong")
	case key != nil && !publicKey(key).Equal(ed25519.PublicKey(public)):
		return fmt.Errorf("signed with another key than that of %sSIGNING_KEY", envPrefix)
	}
	return nil
}
