package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestStores runs the scripts in testdata/stores, which are about what is the
// same wherever a remote is, on each kind of store.
func TestStores(t *testing.T) {
	t.Parallel()
	servers := newServers(t)
	for _, kind := range []string{"file", "s3", "azure", "gcs", "sftp"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if kind != "file" && testing.Short() {
				t.Skip("needs a server")
			}
			if _, err := servers.get(kind); err != nil {
				t.Skip(err)
			}
			params := scriptParams(servers)
			params.Dir = "testdata/stores"
			params.Setup = func(env *testscript.Env) error {
				if err := setup(env); err != nil {
					return err
				}
				vars, err := servers.env(kind, env.WorkDir)
				for _, v := range vars {
					name, value, _ := strings.Cut(v, "=")
					env.Setenv(name, value)
				}
				return err
			}
			testscript.Run(t, params)
		})
	}
}

// servers are those that scripts talk to, one of each kind for all of them.
type servers struct {
	t       testing.TB
	mu      sync.Mutex
	running map[string]func() (*testserver.Server, error)
}

func newServers(t testing.TB) *servers {
	return &servers{t: t, running: map[string]func() (*testserver.Server, error){}}
}

// get returns the server of a kind, and starts it at the first call. That of
// "file" is nil.
func (s *servers) get(kind string) (*testserver.Server, error) {
	start, ok := map[string]func(testing.TB) *testserver.Server{
		"file": func(testing.TB) *testserver.Server { return nil },
		"s3":   testserver.S3, "azure": testserver.Azure, "gcs": testserver.GCS, "sftp": testserver.SFTP,
	}[kind]
	if !ok {
		return nil, fmt.Errorf("there is no server of kind %q", kind)
	}
	s.mu.Lock()
	if s.running[kind] == nil {
		s.running[kind] = sync.OnceValues(func() (server *testserver.Server, err error) {
			defer func() {
				if trouble, ok := recover().(error); ok {
					err = trouble
				}
			}()
			return start(&starter{s.t}), nil
		})
	}
	get := s.running[kind]
	s.mu.Unlock()
	return get()
}

// starter is a test on behalf of which a server is started from the script of
// another: that is to be told why it does not start.
type starter struct{ testing.TB }

func (s *starter) Helper()                      {}
func (s *starter) Skip(args ...any)             { panic(fmt.Errorf("%s", fmt.Sprint(args...))) }
func (s *starter) Fatal(args ...any)            { panic(fmt.Errorf("%s", fmt.Sprint(args...))) }
func (s *starter) Fatalf(f string, args ...any) { panic(fmt.Errorf(f, args...)) }
func (s *starter) Setenv(name, value string)    { panic(fmt.Errorf("setenv %s=%s", name, value)) }

// env returns the environment in which $REMOTE is the address of an empty store
// of a kind, for a script that runs in work.
func (s *servers) env(kind, work string) ([]string, error) {
	server, err := s.get(kind)
	if err != nil {
		return nil, err
	}
	if server == nil {
		return []string{"REMOTE=file://" + filepath.ToSlash(filepath.Join(work, "store"))}, nil
	}
	return reach(server, server.Addr, work)
}

// reach is env for a server that is reached at some address.
func reach(server *testserver.Server, addr, work string) ([]string, error) {
	address, env := server.At(addr)
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	u = u.JoinPath(filepath.Base(work))
	vars := []string{"REMOTE=" + u.String()}
	for _, v := range env {
		if home, ok := strings.CutPrefix(v, "HOME="); ok {
			// Scripts have a home of their own.
			if err := os.CopyFS(filepath.Join(work, ".home", ".ssh"), os.DirFS(filepath.Join(home, ".ssh"))); err != nil {
				return nil, err
			}
			continue
		}
		vars = append(vars, v)
	}
	return vars, nil
}

// command is the command of the scripts that makes $REMOTE the address of an
// empty store, and writes it in place of REMOTE into files:
//
//	server s3 a/xt.toml
func (s *servers) command(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: server KIND [FILE…]")
	}
	vars, err := s.env(args[0], ts.Getenv("WORK"))
	ts.Check(err)
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		ts.Setenv(name, value)
	}
	for _, file := range args[1:] {
		edit(ts, false, []string{file, "REMOTE", ts.Getenv("REMOTE")})
	}
}
