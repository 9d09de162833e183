package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/term"
)

// served is a server that runs in this process.
type served struct {
	url  string
	stop func()   // as a signal does
	code chan int // how xt exits
	dir  string   // where its store is
	http *http.Client
}

func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	dir := t.TempDir()
	return startServeIn(t, dir, append([]string{"--store", filepath.Join(dir, "runs.db")}, args...)...)
}

// parsing lets one test at a time read a command line: the library has one flag for
// help in a process, which each reading writes to.
var parsing sync.Mutex

// startServeIn serves as if the user stood in dir.
func startServeIn(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	parsing.Lock()
	defer parsing.Unlock()
	s := &served{code: make(chan int, 1), dir: dir, http: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ExpectContinueTimeout: time.Minute}}}
	r, w := io.Pipe()
	a := &app{term: &term.Terminal{Out: w, Err: io.Discard}, dir: s.dir}
	ctx, cancel := context.WithCancelCause(context.Background())
	s.stop = func() { cancel(&signalError{syscall.SIGTERM}) }
	t.Cleanup(s.stop)
	go func() {
		s.code <- a.run(ctx, append([]string{"xt", "serve", "--addr", "127.0.0.1:0"}, args...))
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "export MLFLOW_TRACKING_URI="); ok {
			s.url = url
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return s
		}
	}
	t.Fatalf("xt serve ended: %d", <-s.code)
	return nil
}

// send returns the status and the body of an answer.
func (s *served) send(t *testing.T, method, path, token string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Expect", "100-continue") // the body is read from when the server reads it
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// A request that is under way when the signal comes is answered.
func TestServeEnds(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	r, w := io.Pipe()
	status := make(chan int, 1)
	go func() {
		defer close(status)
		defer r.Close()
		code, _ := s.send(t, "PUT", "/api/2.0/mlflow-artifacts/artifacts/x/slow.txt", "", r)
		status <- code
	}()
	if _, err := io.WriteString(w, "first "); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if _, err := io.WriteString(w, "second"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if code := <-status; code != http.StatusOK {
		t.Errorf("the upload was answered with %d", code)
	}
	if code := <-s.code; code != exitFine {
		t.Errorf("exit code %d", code)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
		t.Error("it still listens")
	}
}

func TestServePages(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	for path, want := range map[string]string{"/health": "OK", "/version": "3.17.2", "/": `<main id="main"`, "/docs": "log-batch", "/openapi.json": `"/api/2.0/mlflow/runs/log-batch"`, "/nope": "ENDPOINT_NOT_FOUND"} {
		if _, body := s.send(t, "GET", path, "", nil); !strings.Contains(body, want) {
			t.Errorf("%s: %.300s", path, body)
		}
	}
}

func TestServeToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-secret-of-the-server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, cert, key := certificate(t)
	s := startServe(t, "--token-file", file, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.url, "https://") {
		t.Errorf("it is at %s", s.url)
	}
	const get = "/api/2.0/mlflow/experiments/get?experiment_id=0"
	for token, want := range map[string]int{"": 401, "nonsense": 401, "a-secret-of-the-server": 200} {
		if got, body := s.send(t, "GET", get, token, nil); got != want {
			t.Errorf("with %q: %d: %s", token, got, body)
		}
	}
}

// certificate makes an authority, a certificate that it signed for this test, and
// that one's key.
func certificate(t *testing.T) (ca, cert, key string) {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	dir := t.TempDir()
	rootKey, root := sign(t, root, root, nil, filepath.Join(dir, "ca.pem"))
	private, _ := sign(t, leaf, root, rootKey, filepath.Join(dir, "cert.pem"))
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", secret)
	return filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// sign makes a key and writes a certificate for it, by its own key if by is nil.
func sign(t *testing.T, template, parent *x509.Certificate, by *ecdsa.PrivateKey, file string) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = key
	}
	b, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "CERTIFICATE", b)
	cert, err := x509.ParseCertificate(b)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func writePEM(t *testing.T, file, kind string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
		t.Fatal(err)
	}
}
