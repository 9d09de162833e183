package store

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/xtrepro/xt/internal/testserver"
)

// fails opens a store, or reads from it, and wants trouble.
func fails(t *testing.T, fault string, x target, want Kind) *Error {
	t.Helper()
	for _, e := range x.env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	opts := hasty()
	opts.Environ = x.env
	s, err := Open(t.Context(), x.url, opts)
	if err == nil {
		defer s.Close()
		err = s.Read(t.Context(), "a", 0, make([]byte, 1))
	}
	show(t, fault, err)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", fault, err)
	}
	if e.Kind != want || errors.Is(err, fs.ErrNotExist) || len(e.Hints()) == 0 {
		t.Errorf("%s: (%v) %v", fault, e.Kind, err)
	}
	return e
}

func TestS3Access(t *testing.T) {
	x := serverTarget(testserver.S3(t))
	fails(t, "wrong secret", x.with("AWS_SECRET_ACCESS_KEY=wrong"), Denied)
	fails(t, "unknown key id", x.with("AWS_ACCESS_KEY_ID=nobody"), Denied)
	fails(t, "no credentials", x.with("AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="), NoCredentials)
	fails(t, "unknown profile", target{url: x.url + "&profile=none", env: x.env}, NoCredentials)
	fails(t, "no region", target{url: "s3://xt-test", env: append(x.env, "AWS_REGION=", "AWS_DEFAULT_REGION=")}, Other)
	anonymous := x
	anonymous.url += "&anonymous=true"
	fails(t, "anonymous", anonymous, Denied)

	fault := testserver.Faulty(t, x.server.Addr)
	for code, want := range map[string]Kind{"RequestTimeTooSkewed": Skewed, "AuthorizationHeaderMalformed": Other, "ExpiredToken": Denied} {
		fault.Before(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>The message.</Message></Error>", code)
			return true
		})
		fails(t, code, x.at(fault.Addr), want)
	}
}

// The SDK learns the time from the first answer, and the second try succeeds.
func TestS3Clock(t *testing.T) {
	x := serverTarget(testserver.S3(t))
	put(t, x.open(t, Options{}), "a", []byte("x"))
	fault := testserver.Faulty(t, x.server.Addr)
	tries := 0
	fault.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		tries++
		if tries == 2 {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>RequestTimeTooSkewed</Code></Error>")
		return true
	})
	read(t, x.at(fault.Addr).open(t, hasty()), "a", 1)
}

func TestAzureAccess(t *testing.T) {
	x := serverTarget(testserver.Azure(t))
	fails(t, "wrong key", x.with("AZURE_STORAGE_KEY=d3Jvbmc="), Denied)
	fails(t, "a key that is none", x.with("AZURE_STORAGE_KEY=!"), Denied)
	fails(t, "no account", x.with("AZURE_STORAGE_ACCOUNT="), NoCredentials)
	fails(t, "no credentials", x.with("AZURE_STORAGE_KEY=", "AZURE_STORAGE_PROTOCOL=https", "AZURE_TOKEN_CREDENTIALS=EnvironmentCredential"), NoCredentials)

	fault := testserver.Faulty(t, x.server.Addr)
	fault.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("x-ms-error-code", "AuthenticationFailed")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nRequestId:1</Message><AuthenticationErrorDetail>Request date header too old: 'Mon'</AuthenticationErrorDetail></Error>")
		return true
	})
	fails(t, "clock off", x.at(fault.Addr), Skewed)
}

func TestGCSAccess(t *testing.T) {
	x := serverTarget(testserver.GCS(t))
	key := filepath.Join(t.TempDir(), "key.json")
	fails(t, "no credentials", x.with("STORAGE_EMULATOR_HOST=", "GOOGLE_APPLICATION_CREDENTIALS="+key), NoCredentials)

	fault := testserver.Faulty(t, x.server.Addr)
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		fault.Before(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"error": {"code": %d, "message": "xt does not have storage.objects.get access"}}`, status)
			return true
		})
		fails(t, http.StatusText(status), x.at(fault.Addr), Denied)
	}
}

// lookup finds a variable in the environment of a target.
func (x target) lookup(name string) string { return environ(x.env)(name) }

func TestSFTPAccess(t *testing.T) {
	x := serverTarget(testserver.SFTP(t))
	put(t, x.open(t, Options{}), "a", []byte("x"))
	home := x.lookup("HOME")
	own := filepath.Join(home, ".ssh", "id_ed25519")

	other := t.TempDir()
	testserver.NewSSHKey(t, filepath.Join(other, "key"))
	fails(t, "wrong key", target{url: x.url + "?identity=" + filepath.Join(other, "key"), env: x.env}, Denied)
	fails(t, "no key", target{url: x.url + "?identity=" + filepath.Join(other, "none"), env: x.env}, NoCredentials)
	fails(t, "unknown user", target{url: strings.Replace(x.url, "sftp://", "sftp://nobody-here@", 1), env: x.env}, Denied)

	hosts := filepath.Join(other, "known_hosts")
	withHosts := target{url: x.url + "?known_hosts=" + hosts, env: x.env}
	fails(t, "unknown host", withHosts, HostKey)
	testserver.Trust(t, hosts, x.server.Addr, testserver.NewSSHKey(t, filepath.Join(other, "host")))
	changed := fails(t, "host key changed", withHosts, HostKey)
	if !strings.Contains(changed.Hints()[0], "ssh-keygen -R '["+"127.0.0.1]:") {
		t.Error(changed.Hints())
	}
	if err := os.WriteFile(hosts, []byte("what is this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, "broken known_hosts", withHosts, HostKey)

	t.Run("Config", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(x.server.Addr)
		moved := filepath.Join(other, "moved")
		rename(t, own, moved)
		defer rename(t, moved, own)
		config := fmt.Sprintf("Host box\n  HostName 127.0.0.1\n  Port %s\n  IdentityFile %s\n  User %s\n", port, moved, x.lookup("USER"))
		if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		y := target{url: strings.Replace(x.url, x.server.Addr, "box", 1), env: append(x.env, "USER=nobody-here")}
		read(t, y.open(t, Options{}), "a", 1)
	})
	t.Run("Passphrase", func(t *testing.T) { testPassphrase(t, x, own, other) })
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A key with a passphrase is used through the agent.
func testPassphrase(t *testing.T, x target, own, dir string) {
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(dir, "locked")
	if err := os.WriteFile(locked, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	y := target{url: x.url + "?identity=" + locked, env: x.env}
	e := fails(t, "key with a passphrase", y, NoCredentials)
	if !strings.Contains(e.Hints()[0], "ssh-add "+locked) {
		t.Error(e.Hints())
	}

	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keyring, c) }()
		}
	}()
	y.env = append(y.env, "SSH_AUTH_SOCK="+socket)
	read(t, y.open(t, Options{}), "a", 1)
}

// One request carries a blob, and what others began to upload is cleaned up.
func TestS3LeavesNoParts(t *testing.T) {
	x := serverTarget(testserver.S3(t))
	s := x.open(t, Options{})
	put(t, s, "big", make([]byte, 40_000_000))
	client := testserver.S3Client(x.server)
	bucket := testserver.Bucket
	for _, key := range []string{"some/prefix/begun", "elsewhere/begun"} {
		if _, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(t, s)
	out, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Uploads) != 1 || aws.ToString(out.Uploads[0].Key) != "elsewhere/begun" {
		t.Errorf("left: %d uploads", len(out.Uploads))
	}
}

func TestSFTPHome(t *testing.T) {
	x := serverTarget(testserver.SFTP(t))
	x.url = strings.Replace(x.url, filepath.ToSlash(x.server.Dir)+"/some/prefix", "/~/"+filepath.Base(t.TempDir())+"-xt-test-home", 1)
	s := x.open(t, Options{})
	for _, err := range s.List(t.Context(), "") {
		t.Fatalf("the home is not empty there: %v", err)
	}
}
