package cache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xtrepro/xt/hash"
)

// childMode is the environment variable that turns the test binary into a
// process that works on a project until it is killed, or once.
const childMode = "XT_CACHE_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		if err := child(mode, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child puts what is in the workspace, or switches between two trees that are
// in the cache, announcing the first round.
func child(mode, dir, link string) error {
	l, err := ParseLink(link)
	if err != nil {
		return err
	}
	c, err := Open(filepath.Join(dir, "cache"), Options{Links: []Link{l}})
	if err != nil {
		return err
	}
	ctx := context.Background()
	s := &hash.Scanner{Root: filepath.Join(dir, "work"), Objects: c.Objects()}
	if mode == "put" {
		_, err := s.Put(ctx, "data", c)
		return err
	}
	var nodes [2]hash.Node
	for i, name := range []string{"one", "two"} {
		if nodes[i], err = s.Put(ctx, name, c); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	for i := 0; ; i++ {
		if _, err := c.Checkout(ctx, Workspace{Scanner: s}, "data", nodes[i%2], CheckoutOptions{}); err != nil {
			return err
		}
	}
}

func (p *project) start(mode string, link Link) (*exec.Cmd, *bufio.Reader) {
	p.t.Helper()
	cmd := exec.Command(os.Args[0], filepath.Dir(p.root), link.String())
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// crowd makes n small files, some alike, and one big one.
func (p *project) crowd(name string, n int) {
	for i := range n {
		p.write(fmt.Sprintf("%s/%d/%d", name, i%7, i), fmt.Sprint(name, i%(n/2)))
	}
	p.write(name+"/big", strings.Repeat(name, 1<<20))
}

// A put that is killed leaves the workspace as it was and the cache in order,
// and the next put finishes the work.
func TestKillDuringPut(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.crowd("data", 300)
			want := p.snapshot("data")
			for range 12 {
				cmd, _ := p.start("put", link)
				time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
					t.Fatalf("the workspace changed: %s", diff)
				}
				p.clean()
			}
			n := p.put("data")
			p.wipe("data")
			p.mustCheckout("data", n)
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Errorf("after put and checkout: %s", diff)
			}
			p.clean()
		})
	}
}

// A checkout that is killed leaves each file whole, old or new, and the next
// checkout finishes the work without being forced.
func TestKillDuringCheckout(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.crowd("one", 100)
			p.crowd("two", 100)
			p.wipe("two/0/7")
			p.write("two/0/7/deep", "where one has a file")
			p.wipe("two/0/14")
			want := map[string]map[string]string{"one": p.snapshot("one"), "two": p.snapshot("two")}
			nodes := map[string]hash.Node{"one": p.put("one"), "two": p.put("two")}
			for range 8 {
				cmd, out := p.start("checkout", link)
				if _, err := out.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				p.clean()
				p.forget()
				for name, n := range nodes {
					p.mustCheckout("data", n)
					if diff := cmp.Diff(want[name], renamed(p.snapshot("data"), "data", name)); diff != "" {
						t.Fatal(diff)
					}
				}
			}
		})
	}
}

func renamed(all map[string]string, from, to string) map[string]string {
	m := map[string]string{}
	for k, v := range all {
		m[to+strings.TrimPrefix(k, from)] = v
	}
	return m
}

func TestSeveralProcessesPutTheSame(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.crowd("data", 300)
			if err := os.MkdirAll(p.cache.Dir(), 0o777); err != nil {
				t.Fatal(err)
			}
			var others []*exec.Cmd
			for range 4 {
				o := newProject(t, link)
				o.crowd("data", 300)
				if err := os.Symlink(p.cache.Dir(), filepath.Join(filepath.Dir(o.root), "cache")); err != nil {
					t.Fatal(err)
				}
				cmd, _ := o.start("put", link)
				others = append(others, cmd)
			}
			for _, cmd := range others {
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
			}
			p.put("data")
			p.clean()
		})
	}
}

// mountTmpfs mounts a file system of its own at dir, or skips the test.
func mountTmpfs(t *testing.T, dir, options string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestFullDisk(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			mountTmpfs(t, p.cache.Dir(), "size=1m")
			for i := range 30 {
				p.write(fmt.Sprintf("data/%d", i), strings.Repeat(fmt.Sprint(i, "."), 20_000))
			}
			p.write("data/big", strings.Repeat("x", 3<<20))
			want := p.snapshot("data")
			_, err := p.scan.Put(context.Background(), "data", p.cache)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no room left in the cache") {
				t.Errorf("put: %v", err)
			}
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Errorf("the workspace changed: %s", diff)
			}
			p.clean()
		})
	}
}

func TestFullDiskDuringCheckout(t *testing.T) {
	for _, link := range []Link{Reflink, Copy} {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			p.crowd("data", 100)
			n := p.put("data")
			p.wipe("data")
			mountTmpfs(t, p.root, "size=1m")
			if _, err := p.checkout("data", n); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("checkout: %v", err)
			}
			if err := unix.Mount("", p.root, "", unix.MS_REMOUNT, "size=100m"); err != nil {
				t.Fatal(err)
			}
			p.mustCheckout("data", n)
			p.forget()
			if got, err := p.scan.Scan(context.Background(), "data"); err != nil || got != n {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestReadOnlyCache(t *testing.T) {
	p := newProject(t)
	mountTmpfs(t, p.cache.Dir(), "size=100m")
	p.sample("data")
	n, want := p.put("data"), p.snapshot("data")
	if err := unix.Mount("", p.cache.Dir(), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	p.cache, _ = Open(p.cache.Dir(), Options{})
	p.later(100 * time.Hour) // so that a use would have to be recorded
	p.wipe("data")
	p.mustCheckout("data", n)
	if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
		t.Error(diff)
	}
	p.forget()
	if got := p.put("data"); got != n {
		t.Errorf("put of what is there: %v", got)
	}
	p.write("data/new", "new")
	_, err := p.scan.Put(context.Background(), "data", p.cache)
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "cannot be written to") {
		t.Errorf("put: %v", err)
	}
	p.clean()
}

// Files move between file systems by copying; the workspace then has links
// only if they can be symbolic.
func TestCacheOnAnotherFileSystem(t *testing.T) {
	for _, link := range everyLink {
		t.Run(link.String(), func(t *testing.T) {
			p := newProject(t, link)
			mountTmpfs(t, p.cache.Dir(), "size=100m")
			p.sample("data")
			want := p.snapshot("data")
			n := p.put("data")
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Fatalf("put changed the workspace: %s", diff)
			}
			p.wipe("data")
			p.mustCheckout("data", n)
			if diff := cmp.Diff(want, p.snapshot("data")); diff != "" {
				t.Errorf("after checkout: %s", diff)
			}
			kept, err := p.cache.Keep(context.Background(), Workspace{Scanner: p.scan}, "data")
			if _, serr := os.Lstat(p.path("data")); err != nil || kept != n || !errors.Is(serr, fs.ErrNotExist) {
				t.Errorf("kept %v, %v", kept, err)
			}
			p.clean()
		})
	}
}

func TestSharedCacheIgnoresTheUmask(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	p := newProject(t)
	p.cache.group = true
	p.sample("data")
	p.put("data")
	if err := p.cache.Register("/p"); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(p.cache.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o444)
		switch rel, _ := filepath.Rel(p.cache.Dir(), path); {
		case d.IsDir():
			want = groupFolder | fs.ModeDir
		case strings.HasPrefix(rel, projects):
			want = groupNote
		}
		if i.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, i.Mode(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
