package replay

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/xtrepro/xt/seedenv"
)

// provider is an API, and how its clients find it.
type provider struct {
	name string
	vars []string // of the address of the API, as clients read them
	base string   // the official address; "" if there is none
	keys []string // variables of keys, of which a client needs one
}

// providers are those whose clients are known to read a variable. Where a client
// of two providers decides by which variables are set, an address that is not
// official is not set for it.
var providers = []provider{
	{"openai", []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"}, "https://api.openai.com/v1", []string{"OPENAI_API_KEY"}},
	{"anthropic", []string{"ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"}, "https://api.anthropic.com", []string{"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"}},
	{"groq", []string{"GROQ_BASE_URL"}, "https://api.groq.com", []string{"GROQ_API_KEY"}},
	{"cohere", []string{"CO_API_URL"}, "https://api.cohere.com", []string{"CO_API_KEY"}},
	{"gemini", []string{"GOOGLE_GEMINI_BASE_URL"}, "https://generativelanguage.googleapis.com", []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}},
	{"azure", []string{"AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"}, "", []string{"AZURE_OPENAI_API_KEY", "AZURE_API_KEY", "AZURE_OPENAI_AD_TOKEN"}},
	{"together", []string{"TOGETHER_BASE_URL"}, "", []string{"TOGETHER_API_KEY"}},
}

// KeyVariables returns the variables in which clients look for keys, so that a
// command that gets few variables can be given these.
func KeyVariables() []string {
	var names []string
	for _, p := range providers {
		names = append(names, p.keys...)
	}
	return names
}

// ProviderOf returns the name under which what goes to the address in a variable
// is recorded: that of a provider that is known, or made of the variable's.
func ProviderOf(variable string) string {
	for _, p := range providers {
		if slices.Contains(p.vars, variable) {
			return p.name
		}
	}
	name := variable
	for _, end := range []string{"_BASE_URL", "_API_BASE", "_API_URL", "_ENDPOINT", "_HOST", "_URL"} {
		if short, ok := strings.CutSuffix(variable, end); ok && short != "" {
			name = short
			break
		}
	}
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// route is one variable, and where its requests go.
type route struct {
	variable string
	provider string
	base     *url.URL // nil: not known, which is enough to replay
}

// path returns the path of the upstream's address, which clients append to.
func (r *route) path() string {
	if r.base == nil {
		return ""
	}
	return strings.TrimRight(r.base.EscapedPath(), "/")
}

// CheckUpstream says why an address cannot be that of an API; nil if it can. It
// has to be reached by TLS, unless it is on this machine.
func CheckUpstream(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("this is no address such as https://api.example.com/v1")
	case u.Scheme == "https", u.Scheme == "http" && onLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("a key would go over the network in the clear: write https://%s", u.Host)
	}
	return fmt.Errorf("want https://, not %s://", u.Scheme)
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// routes returns where the requests of each variable go. recorded are providers
// that there are recordings of.
func (o *Options) routes(recorded map[string]bool) ([]route, error) {
	var all []route
	known := map[string]bool{}
	for _, p := range providers {
		for _, v := range p.vars {
			known[v] = true
			address := o.upstream(v, p)
			if address == "" && !(o.Mode == Replay && recorded[p.name]) {
				continue
			}
			r, err := o.route(v, address)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
	}
	for v, address := range o.Upstreams {
		if known[v] {
			continue
		}
		if own, _ := seedenv.Lookup(o.Caller, v); own != "" {
			address = own
		}
		r, err := o.route(v, address)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// upstream returns the address that a variable of a provider stands for: what it is
// set to, or else another one of the same provider, or what is configured, or the
// official one.
func (o *Options) upstream(variable string, p provider) string {
	names := append([]string{variable}, p.vars...)
	for _, v := range names {
		if own, _ := seedenv.Lookup(o.Caller, v); own != "" {
			return own
		}
	}
	for _, v := range names {
		if address := o.Upstreams[v]; address != "" {
			return address
		}
	}
	return p.base
}

func (o *Options) route(variable, address string) (route, error) {
	r := route{variable: variable, provider: ProviderOf(variable)}
	if address == "" {
		return r, nil
	}
	if err := CheckUpstream(address); err != nil && o.Mode == Record {
		return r, &UpstreamError{Variable: variable, Err: err}
	}
	if u, err := url.Parse(address); err == nil {
		r.base = u
	}
	return r, nil
}

// UpstreamError says that a variable is set to what cannot be the address of an
// API.
type UpstreamError struct {
	Variable string
	Err      error
}

// Error names the variable, and not its value, which may hold a password.
func (e *UpstreamError) Error() string {
	return fmt.Sprintf("%s cannot be recorded: %v", e.Variable, e.Err)
}

// Unwrap returns what is wrong.
func (e *UpstreamError) Unwrap() error { return e.Err }
