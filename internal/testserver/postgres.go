//go:build !windows

package testserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Postgres runs PostgreSQL on loopback, for a user with a random password. It
// refuses to run as root, and is then another user.
func Postgres(t testing.TB) *Server {
	t.Helper()
	bin := need(t, postgres)
	who, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "xt-postgres-") // unlike the test's own, others may be let in here
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	password := rand.Text()
	write(t, filepath.Join(dir, "password"), password)
	run := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+postgresLibraries(bin))
		cmd.SysProcAttr = who
		return cmd
	}
	if err := giveAway(dir, who); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	out, err := run("initdb", "--pgdata="+data, "--username=xt", "--pwfile="+filepath.Join(dir, "password"), "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	s := &Server{Addr: freeAddr(t), Dir: data}
	s.command = func() *exec.Cmd {
		return run("postgres", "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+port(s.Addr), "-c", "unix_socket_directories=",
			"-c", "fsync=off", "-c", "timezone=GMT", "-c", "log_timezone=GMT")
	}
	s.ready = func() bool { return run("pg_isready", "-q", "-h", "127.0.0.1", "-p", port(s.Addr)).Run() == nil }
	s.at = func(addr string) (string, []string) {
		return "postgres://xt:" + password + "@" + addr + "/postgres?sslmode=disable", nil
	}
	return launch(t, s)
}

// unprivileged is how a process is started so that it is not root's.
func unprivileged() (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, errors.Join(uidErr, gidErr)
	}
	return nil, errors.New("there is no user to run PostgreSQL as: neither postgres nor nobody")
}

// giveAway makes the folder and what is in it belong to who.
func giveAway(dir string, who *syscall.SysProcAttr) error {
	if who == nil {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, file := range append(files, dir) {
		err = errors.Join(err, os.Chown(file, int(who.Credential.Uid), int(who.Credential.Gid)))
	}
	return err
}

// postgres returns the folder of PostgreSQL's programs.
var postgres = sync.OnceValues(func() (string, error) {
	if bin, err := findPostgres("/usr/lib"); err == nil {
		return bin, nil
	}
	if runtime.GOOS != "linux" {
		return "", errors.New("there is no initdb: install PostgreSQL")
	}
	if os.Geteuid() == 0 {
		return installPostgres()
	}
	dir, err := installed("postgresql", func(dir string) error { return unpackDebian(dir, "postgresql") })
	if err != nil {
		return "", err
	}
	return findPostgres(filepath.Join(dir, "usr", "lib"))
})

// findPostgres looks for initdb on PATH, and where Debian has it below lib.
func findPostgres(lib string) (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob(filepath.Join(lib, "postgresql", "*", "bin", "initdb"))
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, fmt.Errorf("there is no initdb below %s", lib))
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// postgresLibraries is where the libraries of an unpacked PostgreSQL are.
func postgresLibraries(bin string) string {
	found, _ := filepath.Glob(filepath.Join(bin, "..", "..", "..", "*-linux-gnu"))
	return strings.Join(found, ":")
}

// installPostgres gets Debian's package, without the database that it would
// start.
func installPostgres() (string, error) {
	conf := "/etc/postgresql-common/createcluster.conf"
	if _, err := os.Stat(conf); err != nil {
		err := os.MkdirAll(filepath.Dir(conf), 0o755)
		if err == nil {
			err = os.WriteFile(conf, []byte("create_main_cluster = false\n"), 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	if err := run("", nil, "apt-get", "update"); err != nil {
		return "", err
	}
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := run("", env, "apt-get", "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "postgresql"); err != nil {
		return "", err
	}
	return findPostgres("/usr/lib")
}
