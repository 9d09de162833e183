package netfs

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// TestIs asks about all that is mounted here, and compares with the names that the
// kernel has for it.
func TestIs(t *testing.T) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	networked := func(kind string) bool {
		for _, prefix := range []string{"nfs", "cifs", "smb", "ceph", "fuse.", "lustre", "gpfs", "beegfs", "9p", "afs"} {
			if strings.HasPrefix(kind, prefix) && kind != "nfsd" {
				return true
			}
		}
		return kind == "fuse" || kind == "fuseblk"
	}
	asked := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || strings.Contains(fields[1], `\`) || fields[2] == "autofs" {
			continue
		}
		if _, err := os.Stat(fields[1]); err != nil {
			continue // it is covered, or for others
		}
		asked++
		if fields[2] == "ext4" || fields[2] == "tmpfs" || fields[2] == "proc" || networked(fields[2]) {
			if got := Is(fields[1]); got != networked(fields[2]) && fields[2] != "overlay" {
				t.Errorf("%s is %s: networked %v", fields[1], fields[2], got)
			}
		}
	}
	if asked == 0 {
		t.Skip("nothing is mounted")
	}
	if Is("/does/not/exist") {
		t.Error("what is not there is on a network")
	}
}
