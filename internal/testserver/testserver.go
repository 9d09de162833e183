// Package testserver runs real servers on loopback for tests: of S3, Azure Blob
// Storage, Google Cloud Storage, SFTP and PostgreSQL, clusters of Slurm, and proxies
// that disturb what goes to servers; and one that speaks the APIs of language models.
//
// What is not on this machine is installed into the user's cache directory at
// the first use. A test that needs what cannot be had is skipped, or fails if
// XT_TEST_REQUIRE_SERVERS=1 or CI=true is in the environment.
package testserver

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a server that runs until the end of the test.
type Server struct {
	URL  string   // of an empty store on it, as xt's remotes are written
	Env  []string // KEY=VALUE that a client needs
	Addr string   // host:port that it listens on
	Dir  string   // where it keeps what is stored

	t       testing.TB
	at      func(addr string) (url string, env []string)
	command func() *exec.Cmd
	log     string
	grace   time.Duration // to end by itself when it is stopped
	ready   func() bool   // whether it answers, if listening is not enough

	mu      sync.Mutex
	running *exec.Cmd // nil if it isn't
	ended   chan struct{}
}

// At returns the URL and the environment for a client that reaches the server
// by another address, such as that of a proxy.
func (s *Server) At(addr string) (url string, env []string) { return s.at(addr) }

// Setenv puts the server's environment into this process's own, where the SDKs
// of the clouds look, until the end of the test.
func (s *Server) Setenv(t testing.TB) { setenv(t, s.Env) }

// Start starts the server again after [Server.Stop], in the same place.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Error(err) // not Fatal, for it may be another goroutine than the test's
	}
}

func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd, ended := s.command(), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.running, s.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	return s.awaitPort()
}

// Stop kills the server, as a power cut would. Azurite is asked to end first:
// it keeps in memory for seconds what it says it has stored.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return
	}
	if s.grace == 0 {
		freeze(s.running.Process.Pid) // so that it starts nothing more meanwhile
	}
	children := descendants(s.running.Process.Pid)
	for _, child := range children {
		if p, err := os.FindProcess(child); err == nil {
			_ = p.Kill() // it may have ended
		}
	}
	if s.grace > 0 && s.running.Process.Signal(os.Interrupt) == nil {
		select {
		case <-s.ended:
		case <-time.After(s.grace):
		}
	}
	_ = s.running.Process.Kill()
	<-s.ended
	s.running = nil
	for _, child := range children {
		awaitEnd(child)
	}
}

// awaitEnd waits for a process that was killed: it may hold what the next server
// needs.
func awaitEnd(pid int) {
	for range 500 {
		p, err := os.FindProcess(pid)
		if err != nil || p.Signal(syscall.Signal(0)) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// patience is how long a server may take to start.
const patience = 60 * time.Second

func (s *Server) awaitPort() error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", s.Addr, time.Second)
		if err == nil {
			c.Close()
			if s.ready == nil || s.ready() {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended: %s", s.running.Path, s.logTail())
		default:
		}
	}
	return fmt.Errorf("%s does not listen on %s: %s", s.running.Path, s.Addr, s.logTail())
}

func (s *Server) logTail() []byte {
	b, _ := os.ReadFile(s.log)
	return bytes.TrimSpace(b[max(0, len(b)-4000):])
}

// launch fills in a server and starts it.
func launch(t testing.TB, s *Server) *Server {
	t.Helper()
	s.t = t
	s.log = filepath.Join(t.TempDir(), "log")
	s.URL, s.Env = s.at(s.Addr)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the server said: %s", s.logTail())
		}
	})
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// freeAddr returns an address on loopback that nobody listens on.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
