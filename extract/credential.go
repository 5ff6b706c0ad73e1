package extract

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Endpoints are the hosts of one Azure cloud.
type Endpoints struct {
	Management string // the resource manager, as https://management.azure.com
	Authority  string // where tokens come from, as https://login.microsoftonline.com/
	Storage    string // what the names of blob hosts end in, as blob.core.windows.net
	Retail     string // list prices, as https://prices.azure.com; "" for none
	Enterprise string // the retired enterprise reporting, as https://consumption.azure.com or a replay of it; "" for none
	Audience   string // the resource that tokens are asked for; "" means Management
}

// CloudEndpoints returns the hosts of a cloud: public (also ""), usgov or china.
func CloudEndpoints(name string) (Endpoints, error) {
	switch name {
	case "", "public":
		return Endpoints{Management: "https://management.azure.com", Authority: "https://login.microsoftonline.com/", Storage: "blob.core.windows.net", Retail: "https://prices.azure.com"}, nil
	case "usgov":
		return Endpoints{Management: "https://management.usgovcloudapi.net", Authority: "https://login.microsoftonline.us/", Storage: "blob.core.usgovcloudapi.net"}, nil
	case "china":
		return Endpoints{Management: "https://management.chinacloudapi.cn", Authority: "https://login.chinacloudapi.cn/", Storage: "blob.core.chinacloudapi.cn"}, nil
	}
	return Endpoints{}, fmt.Errorf("cloud %q is not known: use public, usgov or china, or set the endpoints one by one", name)
}

// tokenScope is what azidentity is asked for: the management endpoint unless a
// proxy stands before it, whose name no token is issued for.
func (e Endpoints) tokenScope() string {
	audience := e.Audience
	if audience == "" {
		audience = e.Management
	}
	return strings.TrimRight(audience, "/") + "/.default"
}

// The kinds of credential that a configuration can name.
const (
	CredentialDefault          = "default"           // the first of the others that works
	CredentialEnvironment      = "environment"       // a service principal in AZURE_… variables
	CredentialManagedIdentity  = "managed_identity"  // the identity of the virtual machine or container
	CredentialWorkloadIdentity = "workload_identity" // the identity of a Kubernetes pod
	CredentialCLI              = "cli"               // whoever ran az login
	CredentialNone             = "none"              // no token: a simulated Azure on this machine
)

// credentialAdvice says for each kind what makes it work.
var credentialAdvice = map[string]string{
	CredentialDefault: "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give this machine a managed identity, or run az login; " +
		"naming one kind in the configuration (environment, managed_identity, workload_identity, cli) gives a shorter message",
	CredentialEnvironment: "set AZURE_TENANT_ID and AZURE_CLIENT_ID of the service principal, and AZURE_CLIENT_SECRET (the secret's value, not its id) or AZURE_CLIENT_CERTIFICATE_PATH, and check that the secret has not expired",
	CredentialManagedIdentity: "this needs an Azure machine or container with a managed identity; " +
		"set AZURE_CLIENT_ID to choose a user-assigned one, or use credential environment elsewhere",
	CredentialWorkloadIdentity: "this needs a pod with the workload identity webhook, which sets AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE",
	CredentialCLI:              "run az login as the user that runs azledger, in the tenant of the billing account",
}

// A CredentialError says that no token could be had, which kind of credential was
// tried, and what to do.
type CredentialError struct {
	Kind string
	Err  error
}

func (e *CredentialError) Error() string {
	text := fmt.Sprintf("credential %s: %s", e.Kind, credentialReason(e.Err))
	if advice := credentialAdvice[e.Kind]; advice != "" {
		text += "; " + advice
	}
	return text
}

func (e *CredentialError) Unwrap() error { return e.Err }

var (
	entraMessage  = regexp.MustCompile(`AADSTS\d+: [^"\r\n]*`)
	entraTrailers = regexp.MustCompile(`\s*(\\r|\\n|Trace ID:).*$`)
)

// credentialReason reduces azidentity's page of text, request and response included,
// to the sentence that matters.
func credentialReason(err error) string {
	text := err.Error()
	if m := entraMessage.FindString(text); m != "" {
		return strings.TrimRight(entraTrailers.ReplaceAllString(m, ""), ". ")
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "----") {
			lines = append(lines, line)
		}
	}
	return strings.TrimRight(shorten(hideQueries(strings.Join(lines, " · ")), 900), ". ")
}

// NewCredential returns the credential of a kind; nil for none, which [NewClient]
// takes only for a management endpoint on this machine.
func NewCredential(kind string, e Endpoints) (azcore.TokenCredential, error) {
	if kind == "" {
		kind = CredentialDefault
	}
	if kind == CredentialNone {
		return nil, nil
	}
	inner, err := newIdentity(kind, e)
	if err != nil {
		return nil, &CredentialError{Kind: kind, Err: err}
	}
	return &namedCredential{kind: kind, inner: inner}, nil
}

func newIdentity(kind string, e Endpoints) (azcore.TokenCredential, error) {
	options := policy.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: e.Authority}}
	private := !knownAuthority(e.Authority)
	switch kind {
	case CredentialDefault:
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case CredentialEnvironment:
		return azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case CredentialManagedIdentity:
		return newManagedIdentity(options)
	case CredentialWorkloadIdentity:
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case CredentialCLI:
		return azidentity.NewAzureCLICredential(nil)
	}
	return nil, fmt.Errorf("there is no such kind of credential: use default, environment, managed_identity, workload_identity, cli, or none for a simulated Azure")
}

func newManagedIdentity(options policy.ClientOptions) (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if id := os.Getenv("AZURE_CLIENT_ID"); id != "" {
		o.ID = azidentity.ClientID(id)
	}
	return azidentity.NewManagedIdentityCredential(o)
}

// knownAuthority tells Microsoft's own authorities, whose metadata azidentity can
// look up, from private ones, where that look-up fails.
func knownAuthority(authority string) bool {
	for _, name := range []string{"public", "usgov", "china"} {
		e, _ := CloudEndpoints(name)
		if strings.TrimRight(e.Authority, "/") == strings.TrimRight(authority, "/") {
			return true
		}
	}
	return authority == ""
}

// namedCredential turns the errors of a credential into ones that say what to do.
type namedCredential struct {
	kind  string
	inner azcore.TokenCredential
}

func (c *namedCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.inner.GetToken(ctx, o)
	if err == nil {
		return token, nil
	}
	if ctx.Err() != nil {
		return azcore.AccessToken{}, ctx.Err()
	}
	return azcore.AccessToken{}, &CredentialError{Kind: c.kind, Err: err}
}
