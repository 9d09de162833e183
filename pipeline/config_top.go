package pipeline

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
	"github.com/xtrepro/xt/remote/store"
)

// readConfig fills in what concerns the project as a whole.
func (l *loader) readConfig() {
	root := l.doc.Root
	l.cfg.Name = l.str(root.Get("project").Get("name"))
	l.cfg.Seed = Seed{Deterministic: lock.DeterministicOff, Threads: 1}
	if n := root.Get("seed"); l.ok(n) {
		l.cfg.Seed.Deterministic = lock.DeterministicOn
		l.seedTable(n, &l.cfg.Seed)
	}
	l.readPython(root.Get("python"))
	l.readCache(root.Get("cache"))
	l.readPolicy(root.Get("check"))
	l.readAttest(root.Get("attest"))
	l.readLLM(root.Get("llm"))
	l.readPlots(root.Get("plots"))
	l.readSlurm(root.Get("executor").Get("slurm"))
	l.cfg.Remotes = map[string]Remote{}
	if remotes := root.Get("remote"); l.ok(remotes) {
		for _, n := range remotes.Keys {
			l.readRemote(n)
		}
	}
}

// seedTable takes over what a table of a seed says.
func (l *loader) seedTable(n *tomldoc.Node, s *Seed) {
	if v := n.Get("value"); l.ok(v) {
		seed := v.Value.(int64)
		s.Value = &seed
	}
	l.deterministic(n.Get("deterministic"), s)
	if v := n.Get("threads"); l.ok(v) {
		s.Threads = int(l.num(v))
	}
}

func (l *loader) deterministic(n *tomldoc.Node, s *Seed) {
	switch {
	case !l.ok(n):
	case n.Value == true:
		s.Deterministic = lock.DeterministicOn
	case n.Value == false:
		s.Deterministic = lock.DeterministicOff
	default:
		s.Deterministic = lock.DeterministicWarn
	}
}

func (l *loader) readPython(n *tomldoc.Node) {
	if !l.ok(n) {
		return
	}
	py := &Python{Version: l.str(n.Get("version")), Pos: l.pos(n.KeyAt)}
	if r := n.Get("requirements"); l.ok(r) {
		py.Requirements, _ = l.path(r.At, place{where: "[python]"}, "requirements", ".", l.str(r))
	}
	l.cfg.Python = py
}

func (l *loader) readCache(n *tomldoc.Node) {
	if !l.ok(n) {
		return
	}
	l.cfg.Cache = CacheConfig{Dir: l.str(n.Get("dir")), Shared: l.flag(n.Get("shared"), false)}
	if dir := n.Get("dir"); l.ok(dir) && (l.cfg.Cache.Dir == "" || strings.ContainsRune(l.cfg.Cache.Dir, 0)) {
		l.tell(dir.At, place{where: "[cache]"}, "leave it out for .xt/cache", "dir: the path is empty")
	}
	for _, way := range l.each(n.Get("link")) {
		l.cfg.Cache.Links = append(l.cfg.Cache.Links, l.str(way))
	}
}

func (l *loader) readAttest(n *tomldoc.Node) {
	l.cfg.Attest = defaultAttest
	for name, to := range map[string]*string{"dir": &l.cfg.Attest.Dir, "allowed_signers": &l.cfg.Attest.Signers} {
		if v := n.Get(name); l.ok(v) {
			*to, _ = l.path(v.At, place{where: "[attest]"}, name, ".", l.str(v))
		}
	}
}

func (l *loader) readRemote(n *tomldoc.Node) {
	u := n.Get("url")
	if !l.ok(n) || !l.ok(u) {
		return
	}
	if msg, hint := CheckRemote(l.str(u)); msg != "" {
		l.tell(u.At, place{where: fmt.Sprintf("remote %q", n.Key)}, hint, "url: %s", msg)
		return
	}
	r := Remote{URL: l.str(u), Pos: l.pos(n.KeyAt), Default: l.flag(n.Get("default"), false)}
	for _, word := range l.each(n.Get("recipients")) {
		if err := remote.CheckRecipient(l.str(word)); err != nil {
			l.tell(word.At, place{where: fmt.Sprintf("remote %q", n.Key)}, "\"xt remote keygen\" makes a key and prints its public part", "recipients: %s", err)
			continue
		}
		r.Recipients = append(r.Recipients, l.str(word))
	}
	for name, other := range l.cfg.Remotes {
		if r.Default && other.Default {
			l.tell(n.KeyAt, place{where: fmt.Sprintf("remote %q", n.Key)}, "leave default out of one of them", "remote %q is the default already", name)
		}
	}
	l.cfg.Remotes[n.Key] = r
}

var remoteSchemes = []string{"s3", "azblob", "gs", "sftp", "file"}

// CheckRemote says what is wrong with a remote's address, and what to do about
// it; "" if nothing is. The address is not repeated, because what is wrong with
// it may be that it holds a secret.
func CheckRemote(address string) (msg, hint string) {
	u, err := url.Parse(address)
	if err != nil {
		return "this is no address", "such as s3://bucket/prefix or file:///data/store"
	}
	if u.User != nil {
		_, password := u.User.Password()
		if password || u.Scheme != "sftp" {
			return "the address holds credentials, which would be in git", "take them out: xt finds them as the SDK of the store does, in the environment or its own files"
		}
	}
	for name := range u.Query() {
		if IsSecret(name) {
			return fmt.Sprintf("the address holds a credential (%s), which would be in git", name), "take it out: xt finds it as the SDK of the store does, in the environment or its own files"
		}
	}
	if msg, hint := checkScheme(u); msg != "" {
		return msg, hint
	}
	// What is left are the parameters, which the store knows.
	var e *store.Error
	if errors.As(store.Check(address), &e) {
		return e.Err.Error(), "docs/remotes.md says what an address may have behind a question mark"
	}
	return "", ""
}

func checkScheme(u *url.URL) (msg, hint string) {
	switch s := strings.ToLower(u.Scheme); {
	case s == "" || len(s) == 1:
		return "this is no address", "such as s3://bucket/prefix or file:///data/store"
	case s == "gcs":
		return "unknown store gcs://", "did you mean gs://?"
	case s == "azure" || s == "az" || s == "abfs" || s == "abfss" || s == "wasb" || s == "wasbs":
		return fmt.Sprintf("unknown store %s://", s), "did you mean azblob://?"
	case s == "ssh" || s == "scp":
		return fmt.Sprintf("unknown store %s://", s), "did you mean sftp://?"
	case s == "local":
		return "unknown store local://", "did you mean file://?"
	case slices.Contains(remoteSchemes, s):
		return checkBucket(u)
	default:
		return fmt.Sprintf("unknown store %s://", s), "known are s3, azblob, gs, sftp and file"
	}
}

func checkBucket(u *url.URL) (msg, hint string) {
	switch {
	case u.Scheme == "file" && u.Host != "":
		return "a path after file:// begins with a slash", fmt.Sprintf("such as file:///%s%s", u.Host, u.Path)
	case u.Scheme == "file" && u.Path == "":
		return "the address has no path", "such as file:///data/store"
	case u.Scheme != "file" && u.Host == "":
		return "the address names no bucket or host", fmt.Sprintf("such as %s://NAME/prefix", u.Scheme)
	}
	return "", ""
}

// IsSecret reports whether a parameter of an address is likely to be a secret, by
// its name.
func IsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"secret", "token", "password", "passwd", "credential", "signature", "access_key", "accesskey", "account_key", "accountkey", "api_key", "apikey"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return slices.Contains([]string{"sig", "key", "auth", "authorization", "jwt", "pwd", "sas"}, name)
}
