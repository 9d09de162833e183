package testserver

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SFTP runs OpenSSH's server as the current user. HOME in its environment has
// a .ssh with the key that it lets in and the server's own.
func SFTP(t testing.TB) *Server {
	t.Helper()
	program := need(t, sshd)
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	conf := filepath.Join(dir, "sshd_config")
	s := &Server{Addr: freeAddr(t), Dir: filepath.Join(dir, "data")}
	mkdir(t, filepath.Join(home, ".ssh"))
	mkdir(t, s.Dir)
	if os.Geteuid() == 0 {
		mkdir(t, "/run/sshd") // root's sshd wants it
	}
	hostKey := NewSSHKey(t, filepath.Join(dir, "host_key"))
	userKey := NewSSHKey(t, filepath.Join(home, ".ssh", "id_ed25519"))
	write(t, filepath.Join(dir, "authorized_keys"), string(ssh.MarshalAuthorizedKey(userKey)))
	write(t, conf, fmt.Sprintf(`
Port %s
ListenAddress 127.0.0.1
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
`, port(s.Addr), filepath.Join(dir, "host_key"), filepath.Join(dir, "authorized_keys")))
	s.command = func() *exec.Cmd { return exec.Command(program, "-f", conf, "-D", "-e") }
	s.at = func(addr string) (string, []string) {
		Trust(t, filepath.Join(home, ".ssh", "known_hosts"), addr, hostKey)
		return "sftp://" + addr + filepath.ToSlash(s.Dir) + "/some/prefix", []string{"HOME=" + home, "USER=" + userName(t), "SSH_AUTH_SOCK="}
	}
	return launch(t, s)
}

// NewSSHKey writes a private key to a file, and returns its public half.
func NewSSHKey(t testing.TB, file string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(pem.EncodeToMemory(block)))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Trust adds the key of a host to a file of known hosts.
func Trust(t testing.TB, file, addr string, key ssh.PublicKey) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, knownhosts.Line([]string{knownhosts.Normalize(addr)}, key)); err != nil {
		t.Fatal(err)
	}
}

func userName(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func mkdir(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
