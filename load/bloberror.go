package load

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"syscall"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// A BlobError is an error answer of blob storage. It is fs.ErrNotExist if the blob is not there, but not if the
// container is not.
type BlobError struct {
	Status    int    // the HTTP status
	Code      string // as BlobNotFound; may be empty
	RequestID string // what Azure's support asks for
}

func newBlobError(r *azcore.ResponseError) *BlobError {
	e := &BlobError{Status: r.StatusCode, Code: r.ErrorCode}
	if r.RawResponse != nil {
		e.RequestID = r.RawResponse.Header.Get("x-ms-request-id")
	}
	return e
}

func (e *BlobError) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, e.Code)
	if e.Code == "" {
		text = fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	if advice := e.advice(); advice != "" {
		text += ": " + advice
	}
	return text
}

// Is makes a missing blob an fs.ErrNotExist. An answer to HEAD has no body and perhaps no code.
func (e *BlobError) Is(target error) bool {
	return target == fs.ErrNotExist && e.Status == http.StatusNotFound && (e.Code == "BlobNotFound" || e.Code == "")
}

// advice says what to do. Azure answers a firewall with the same 403 as a missing role, but for the code.
func (e *BlobError) advice() string {
	if text, ok := codeAdvice[e.Code]; ok {
		return text
	}
	switch e.Status {
	case http.StatusForbidden:
		return codeAdvice["AuthorizationPermissionMismatch"]
	case http.StatusUnauthorized:
		return codeAdvice["AuthenticationFailed"]
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable:
		return "the storage account is busy: try again later"
	}
	return ""
}

const (
	roleAdvice      = "the identity needs the role Storage Blob Data Contributor on the container, a SAS the permissions racwdl; a new role takes up to ten minutes"
	credentialFalse = "the credential is wrong or has expired, or this computer's clock is wrong: renew it"
	immutableAdvice = "a policy of the container forbids changing blobs: publish to a container without an immutability policy or legal hold"
)

var codeAdvice = map[string]string{
	"AuthorizationPermissionMismatch":    roleAdvice,
	"AuthorizationResourceTypeMismatch":  "the SAS is not for objects in a container: make one with resource types container and object",
	"AuthorizationServiceMismatch":       "the SAS is not for blob storage: make one that is",
	"AuthorizationProtocolMismatch":      "the SAS allows https only: use an https URL",
	"AuthorizationSourceIPMismatch":      "the SAS is for other addresses than this computer's: make one for this address",
	"AuthorizationFailure":               "the storage account's firewall does not let this address in, or a permission is missing: allow the address or use the private endpoint, or else " + roleAdvice,
	"PublicAccessNotPermitted":           "no credential was sent, and the account allows none to read: set one",
	"NoAuthenticationInformation":        "no credential was sent: set one",
	"AuthenticationFailed":               credentialFalse,
	"InvalidAuthenticationInfo":          credentialFalse,
	"KeyBasedAuthenticationNotPermitted": "the account allows no keys: use an identity",
	"ContainerNotFound":                  "the container is not there: create it, or correct its name in the URL",
	"ContainerBeingDeleted":              "the container is being deleted: wait, or choose another",
	"ContainerDisabled":                  "the container is disabled: choose another",
	"AccountIsDisabled":                  "the storage account is disabled: ask its owner",
	"BlobImmutableDueToPolicy":           immutableAdvice,
	"BlobImmutableDueToLegalHold":        immutableAdvice,
	"Md5Mismatch":                        "the content was damaged on its way or on this disk: publish again; if it happens again, run the transform again",
	"InvalidHeaderValue":                 "the service does not know this version of the protocol: start an emulator so that it does not check the version",
	"UnsupportedHeader":                  "the service does not know a header: it may be another kind of storage than blobs",
	"InsufficientAccountPermissions":     roleAdvice,
	"BlobArchived":                       "the blob was moved to the archive tier: bring it back, and keep lifecycle rules off this folder",
	"InvalidResourceName":                "the container's name is not allowed: correct it in the URL",
	"OutOfRangeInput":                    "the container's name is not allowed: it has 3 to 63 letters, digits and dashes",
}

// networkAdvice says what to do when there was no answer, as a clause to append.
func networkAdvice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return ": no such account, or this network does not resolve its name: check the URL, and the private endpoint's DNS zone"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ": nothing answers there: check the URL, the firewall and the private endpoint"
	}
	return ""
}

// signature finds the secret part of a SAS, and a key.
var signature = regexp.MustCompile(`(?i)(sig=|AccountKey=)[^&;\s"]+`)

// redact returns err with signatures blotted out of its text.
func redact(err error) error {
	text := err.Error()
	clean := signature.ReplaceAllString(text, "${1}"+redacted)
	if clean == text {
		return err
	}
	return redactedError{clean, err}
}

type redactedError struct {
	text string
	err  error
}

func (e redactedError) Error() string { return e.text }

// Is lets errors.Is look at the error without letting anybody unwrap and print it.
func (e redactedError) Is(target error) bool { return errors.Is(e.err, target) }
