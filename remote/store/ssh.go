package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/kevinburke/ssh_config"
	"github.com/pkg/sftp"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/xtrepro/xt/internal/sshagent"
)

// login is how to get into an SSH server, as the ssh command would.
type login struct {
	wire       *wire
	name       string // as in the address
	host, port string
	user       string
	identities []string // files with private keys
	knownHosts []string
	agent      string // the socket of the agent, or ""
}

func newLogin(u *url.URL, w *wire, opts Options) (*login, error) {
	env := environ(opts.Environ)
	home := env("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	at := func(name string) string {
		if rest, ok := strings.CutPrefix(name, "~/"); ok {
			return filepath.Join(home, rest)
		}
		return name
	}
	cfg, err := sshConfig(at("~/.ssh/config"))
	if err != nil {
		return nil, err
	}
	name := u.Hostname()
	say := func(key, otherwise string) string {
		if v, err := cfg.Get(name, key); err == nil && v != "" {
			return v
		}
		return otherwise
	}
	l := &login{wire: w, name: name, host: say("HostName", name), port: u.Port(), agent: env("SSH_AUTH_SOCK")}
	l.host = strings.ReplaceAll(l.host, "%h", name)
	if l.port == "" {
		l.port = say("Port", "22")
	}
	if l.user = u.User.Username(); l.user == "" {
		l.user = say("User", currentUser(env))
	}
	if jump := say("ProxyJump", say("ProxyCommand", "none")); jump != "none" {
		return nil, fmt.Errorf("%s is reached through %s by ~/.ssh/config, which xt cannot", name, jump)
	}
	l.setFiles(u.Query(), cfg, at)
	return l, nil
}

// setFiles says which keys to show, and which ones of hosts to trust.
func (l *login) setFiles(q url.Values, cfg *ssh_config.Config, at func(string) string) {
	named, _ := cfg.GetAll(l.name, "IdentityFile")
	if q.Has("identity") {
		named = []string{q.Get("identity")}
	}
	if len(named) == 0 {
		named = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	for _, name := range named {
		l.identities = append(l.identities, at(name))
	}
	l.knownHosts = []string{at("~/.ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"}
	if q.Has("known_hosts") {
		l.knownHosts = []string{at(q.Get("known_hosts"))}
	}
}

// environ looks into an environment; nil is this process's own.
func environ(list []string) func(name string) string {
	if list == nil {
		return os.Getenv
	}
	return func(name string) string {
		found := ""
		for _, e := range list {
			if k, v, _ := strings.Cut(e, "="); k == name {
				found = v // the last one counts, as for a process
			}
		}
		return found
	}
}

func currentUser(env func(string) string) string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v := env(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "root"
}

func sshConfig(name string) (*ssh_config.Config, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &ssh_config.Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	cfg, err := ssh_config.DecodeBytes(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return cfg, nil
}

// connect logs in. A server that is silent meanwhile counts as stalled.
func (l *login) connect(ctx context.Context) (*session, error) {
	addr := net.JoinHostPort(l.host, l.port)
	keys, err := l.keys()
	if err != nil {
		return nil, err
	}
	defer keys.close()
	cfg, err := l.config(addr, keys.signers)
	if err != nil {
		return nil, err
	}
	raw, err := l.wire.dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := raw.(*conn)
	c.users = new(atomic.Int64)
	defer c.use()()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	sc, channels, requests, err := ssh.NewClientConn(c, addr, cfg)
	if err != nil {
		c.Close()
		return nil, l.explain(c, err)
	}
	client := ssh.NewClient(sc, channels, requests)
	files, err := sftp.NewClient(client, sftp.UseConcurrentReads(true), sftp.UseConcurrentWrites(true))
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("start sftp: %w", err)
	}
	return &session{Client: files, ssh: client, conn: c}, nil
}

// config is the keys to show and the keys to trust.
func (l *login) config(addr string, signers []ssh.Signer) (*ssh.ClientConfig, error) {
	db, err := l.hosts()
	if err != nil {
		return nil, err
	}
	check := db.HostKeyCallback()
	return &ssh.ClientConfig{
		User: l.user,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			return explainHostKey(addr, key, check(host, remote, key))
		},
		// Without it the server may show a key of another sort than the known one.
		HostKeyAlgorithms: db.HostKeyAlgorithms(addr),
		Timeout:           dialTimeout,
	}, nil
}

func (l *login) hosts() (*knownhosts.HostKeyDB, error) {
	var there []string
	for _, name := range l.knownHosts {
		if _, err := os.Stat(name); err == nil {
			there = append(there, name)
		}
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return nil, &trouble{kind: HostKey, text: oneLine(err.Error()), err: err, hints: []string{"mend that file"}}
	}
	return db, nil
}

// keys is what can sign, and the connection to the agent that some of it needs.
type keys struct {
	signers []ssh.Signer
	agent   io.Closer // nil if there is none
}

func (k *keys) close() {
	if k.agent != nil {
		k.agent.Close()
	}
}

// keys collects the keys: those in files first, for they were chosen for this
// host, while an agent may have more than the server lets one try.
func (l *login) keys() (*keys, error) {
	k := &keys{}
	locked := ""
	for _, name := range l.identities {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		signer, err := ssh.ParsePrivateKey(text)
		var passphrase *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &passphrase):
			locked = name
		case err == nil:
			k.signers = append(k.signers, signer)
		}
	}
	// An agent that is not there, or does not answer, has no keys.
	if a, err := sshagent.Open(l.agent); err == nil {
		k.agent = a
		more, _ := a.Signers()
		k.signers = append(k.signers, more...)
	}
	if len(k.signers) > 0 {
		return k, nil
	}
	k.close()
	return nil, noKeys(locked)
}

func noKeys(locked string) error {
	if locked != "" {
		return &trouble{kind: NoCredentials, text: fmt.Sprintf("the SSH key %s has a passphrase, and the agent does not have it", locked),
			hints: []string{"run ssh-add " + locked}}
	}
	return &trouble{kind: NoCredentials, text: "there is no SSH key to log in with",
		hints: []string{"start an ssh-agent and ssh-add a key, or add identity=PATH to the address"}}
}

// explain says what a failed handshake means.
func (l *login) explain(c *conn, err error) error {
	var known *trouble
	switch {
	case errors.As(err, &known):
		return known
	case c.stalled.Load():
		return errStalled
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &trouble{kind: Denied, text: fmt.Sprintf("%s does not let %s in with the SSH keys at hand", l.host, l.user), err: err, hints: []string{
			fmt.Sprintf("see whether this works: sftp -P %s %s@%s", l.port, l.user, l.host),
		}}
	}
	return err
}

// explainHostKey says what is wrong with the key of a host.
func explainHostKey(addr string, key ssh.PublicKey, err error) error {
	if err == nil {
		return nil
	}
	name := knownhosts.Normalize(addr)
	host, port, _ := net.SplitHostPort(addr)
	scan := fmt.Sprintf("ssh-keyscan -p %s %s >> ~/.ssh/known_hosts", port, host)
	shown := fmt.Sprintf("%s %s", key.Type(), ssh.FingerprintSHA256(key))
	switch {
	case knownhosts.IsHostKeyChanged(err):
		return &trouble{kind: HostKey, text: fmt.Sprintf("the host key of %s is not the known one: it is now %s", name, shown), hints: []string{
			"somebody may be listening in. If you know that the host got a new key: ssh-keygen -R " + shellWord(name) + ", then " + scan,
		}}
	case knownhosts.IsHostUnknown(err):
		return &trouble{kind: HostKey, text: fmt.Sprintf("the host key of %s is unknown: %s", name, shown), hints: []string{
			"ask whoever runs the host whether that is its fingerprint, then: " + scan,
		}}
	}
	return &trouble{kind: HostKey, text: oneLine(err.Error())}
}

// shellWord quotes the brackets around a host with a port.
func shellWord(name string) string {
	if strings.HasPrefix(name, "[") {
		return "'" + name + "'"
	}
	return name
}
