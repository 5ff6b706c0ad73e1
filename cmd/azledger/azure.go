package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/azledger/azledger/extract"
	"github.com/azledger/azledger/load"
)

// endpoints are the configured cloud's, with those that the configuration replaces.
// Tokens stay made out to the cloud's own Resource Manager: a proxy has no name that
// tokens are issued for.
func (c *config) endpoints() (extract.Endpoints, error) {
	e, err := extract.CloudEndpoints(c.Cloud)
	if err != nil {
		return e, err
	}
	e.Audience = e.Management
	e.Management = cmp.Or(c.Endpoints.Management, e.Management)
	e.Authority = cmp.Or(c.Endpoints.Authority, e.Authority)
	e.Retail = cmp.Or(c.Endpoints.Retail, e.Retail)
	e.Enterprise = c.Endpoints.Enterprise
	return e, nil
}

// tokens makes the credential that the configuration names; nil for none.
func (c *config) tokens() (azcore.TokenCredential, error) {
	e, err := c.endpoints()
	if err != nil {
		return nil, usageError{err}
	}
	credential, err := extract.NewCredential(c.Credential, e)
	if err != nil {
		return nil, usageError{err}
	}
	return credential, nil
}

// client asks the billing APIs. Without an account that has a scope there is nothing
// to ask, and no credential needed.
func (c *config) client(credential azcore.TokenCredential, log *slog.Logger) (*extract.Client, error) {
	if !c.asks() {
		return nil, nil
	}
	e, err := c.endpoints()
	if err != nil {
		return nil, usageError{err}
	}
	retries := c.Limits.Retries
	if retries == 0 {
		retries = -1 // the client's word for none
	}
	client, err := extract.NewClient(extract.ClientOptions{
		Endpoints: e, Credential: credential, Log: log, Retries: retries, Version: version,
		EnterpriseKey: c.secret.EnterpriseKey.Reveal(),
	})
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// asks tells whether any API is asked for anything.
func (c *config) asks() bool { return c.hasScope() || len(c.Retail.Currencies) > 0 }

func (c *config) hasScope() bool {
	for _, a := range c.Accounts {
		if a.Scope != "" {
			return true
		}
	}
	return false
}

// needsCredential tells whether anything that is read asks who reads it.
func (c *config) needsCredential() bool {
	for _, a := range c.Accounts {
		connection, sas := c.secrets(a.Exports)
		if isURL(a.Exports) && connection == "" && sas == "" && !strings.Contains(a.Exports, "sig=") {
			return true
		}
	}
	return c.asks()
}

// store is where tables are published.
func (c *config) store() (load.Store, error) {
	if !isURL(c.Publish) {
		return load.OpenDir(c.Publish)
	}
	return c.open("publish", c.Publish)
}

// endpointProblems finds addresses that cannot be right. A token is not sent in clear
// text, and going without one is for the simulated Azure on this machine.
func (c *config) endpointProblems() []problem {
	var found []problem
	for _, e := range []struct{ key, address string }{
		{"endpoints.management", c.Endpoints.Management},
		{"endpoints.authority", c.Endpoints.Authority},
		{"endpoints.retail", c.Endpoints.Retail},
		{"endpoints.enterprise", c.Endpoints.Enterprise},
	} {
		if e.address != "" && !strings.HasPrefix(e.address, "https://") && !loopback(e.address) {
			found = append(found, problem{e.key, fmt.Sprintf("%q: want https://<host>, or http:// on this machine", e.address)})
		}
	}
	if c.Credential == "none" && c.hasScope() && !loopback(c.Endpoints.Management) {
		found = append(found, problem{"credential", "none is for the simulated Azure on this machine; Azure itself wants one"})
	}
	return found
}

// loopback tells whether an address is on this machine.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
