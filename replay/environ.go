package replay

import (
	"slices"
	"strings"

	"github.com/xtrepro/xt/seedenv"
)

// placeholder is given to clients that do not start without a key, where no key is
// needed.
const placeholder = "xt-replays-and-needs-no-key"

// setEnviron makes the environment in which the command finds the session.
func (s *Session) setEnviron(routes []route, recorded map[string]bool) {
	vars := map[string]string{}
	for _, r := range routes {
		name := strings.ToLower(r.variable)
		s.routes[name] = r
		vars[r.variable] = "http://" + s.addr + "/" + s.secret + "/" + name + r.path()
	}
	if s.opts.Mode == Replay {
		for _, p := range providers {
			if recorded[p.name] && !hasKey(s.opts.Environ, p) {
				vars[p.keys[0]] = placeholder
			}
		}
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if list, ok := withoutProxy(s.opts.Environ, name); ok {
			vars[name] = list
		}
	}
	s.environ = seedenv.Overlay(s.opts.Environ, vars)
}

func hasKey(environ []string, p provider) bool {
	return slices.ContainsFunc(p.keys, func(name string) bool {
		value, _ := seedenv.Lookup(environ, name)
		return value != ""
	})
}

// withoutProxy returns the hosts that are reached without a proxy, with this
// machine among them. Where there is no proxy it is not ok.
func withoutProxy(environ []string, name string) (list string, ok bool) {
	for _, proxy := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		value, _ := seedenv.Lookup(environ, proxy)
		ok = ok || value != ""
	}
	list, _ = seedenv.Lookup(environ, name)
	if list == "" {
		return "127.0.0.1", ok
	}
	return list + ",127.0.0.1", ok
}
