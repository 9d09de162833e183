//go:build !windows

package testserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cluster is a Slurm cluster of one machine: a controller and several nodes, each of
// two cores and with a GPU in name, with a munge of their own. Beside the partition
// that is the default, jobs in "spare" make way for those in "urgent", and "shut" is
// down. It runs until the end of the test.
type Cluster struct {
	Env []string // KEY=VALUE that Slurm's programs need

	t        testing.TB
	dir      string
	programs *slurmPrograms
	mu       sync.Mutex
	daemons  map[string]*daemon // "munged", "slurmctld", and the nodes by name: "n1"
}

// daemon is a process of a cluster.
type daemon struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// Slurm starts a cluster with a number of nodes on loopback.
func Slurm(t testing.TB, nodes int) *Cluster {
	t.Helper()
	programs := &slurmPrograms{root: need(t, slurmRoot)}
	dir, err := os.MkdirTemp("", "xt-slurm-") // short, for a socket is in it
	if err != nil {
		t.Fatal(err)
	}
	readable(t, dir)
	c := &Cluster{t: t, dir: dir, programs: programs, daemons: map[string]*daemon{}}
	c.Env = append(programs.env(), "SLURM_CONF="+filepath.Join(dir, "slurm.conf"))
	t.Cleanup(c.close)
	c.configure(nodes)
	c.Start("munged")
	c.await("the socket of munge", func() bool { _, err := os.Stat(c.path("munge/sock")); return err == nil })
	c.Start("slurmctld")
	for i := range nodes {
		c.Start(node(i))
	}
	c.await("the nodes", func() bool {
		out, err := c.Run("sinfo", "--noheader", "--states=idle", "--format=%D")
		return err == nil && strings.TrimSpace(out) == fmt.Sprint(nodes)
	})
	return c
}

func node(i int) string { return fmt.Sprintf("n%d", i+1) }

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

// LimitsMemory reports whether the kernel lets the nodes hold jobs to the memory that
// they asked for.
func LimitsMemory() bool { return os.Getuid() == 0 && writable(cgroups+"/memory") }

const cgroups = "/sys/fs/cgroup"

// writable reports whether a folder can be made in dir.
func writable(dir string) bool {
	probe, err := os.MkdirTemp(dir, "xt-")
	if err == nil {
		err = os.Remove(probe)
	}
	return err == nil
}

// configure writes the configuration.
func (c *Cluster) configure(nodes int) {
	c.t.Helper()
	for _, dir := range []string{"munge", "state", "spool", "log"} {
		mkdir(c.t, c.path(dir))
	}
	for _, name := range []string{"slurmctld", "slurmd", "slurmstepd"} {
		// By another name each takes itself for another program.
		if err := os.Symlink(c.programs.path(name), c.path(name)); err != nil {
			c.t.Fatal(err)
		}
	}
	key := make([]byte, 1024)
	_, _ = rand.Read(key) // never fails
	write(c.t, c.path("munge/key"), string(key))
	host, err := os.Hostname()
	if err != nil {
		c.t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		c.t.Fatal(err)
	}
	tasks := "task/none"
	if LimitsMemory() {
		tasks = "task/cgroup"
	}
	// Clusters share what the kernel knows of their nodes, hence the numbers of jobs.
	ports := freePorts(c.t, nodes+1)
	var b strings.Builder
	fmt.Fprintf(&b, `ClusterName=xt
SlurmctldHost=%[1]s(127.0.0.1)
SlurmctldPort=%[2]d
SlurmUser=%[3]s
SlurmdUser=%[3]s
AuthType=auth/munge
AuthInfo=socket=%[4]s/munge/sock
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=%[4]s/state
SlurmdSpoolDir=%[4]s/spool/%%n
SlurmctldPidFile=%[4]s/slurmctld.pid
SlurmdPidFile=%[4]s/slurmd.%%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=%[5]s
Prolog=%[4]s/prolog
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
EnforcePartLimits=ALL
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=2
MinJobAge=3600
FirstJobId=%[6]d
AccountingStorageType=accounting_storage/none
`, host, ports[0], me.Username, c.dir, tasks, 1+mathrand.IntN(1<<25))
	if dir := c.programs.plugins(); dir != "" {
		fmt.Fprintf(&b, "PluginDir=%s\n", dir)
	}
	for i := range nodes {
		fmt.Fprintf(&b, "NodeName=%s NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=1000 Gres=gpu:1 State=UNKNOWN\n",
			node(i), host, ports[i+1])
		mkdir(c.t, c.path("spool/"+node(i)))
	}
	b.WriteString(`PartitionName=main Nodes=ALL Default=YES PriorityTier=2 PreemptMode=OFF
PartitionName=urgent Nodes=ALL PriorityTier=2 PreemptMode=OFF
PartitionName=spare Nodes=ALL PriorityTier=1 PreemptMode=CANCEL
PartitionName=again Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE
PartitionName=shut Nodes=ALL State=DOWN
`)
	for name, text := range map[string]string{
		"slurm.conf":  b.String(),
		"gres.conf":   fmt.Sprintf("NodeName=n[1-%d] Name=gpu File=/dev/null\n", nodes),
		"cgroup.conf": "CgroupMountpoint=" + cgroups + "\nConstrainRAMSpace=yes\nAllowedRAMSpace=100\nConstrainSwapSpace=yes\nAllowedSwapSpace=0\n",
		"prolog":      "#!/bin/sh\n! rm " + c.path("spoilt") + " 2> " + os.DevNull + "\n",
	} {
		write(c.t, c.path(name), text)
		readable(c.t, c.path(name))
	}
}

// readable lets everybody read and execute a file: jobs are those of any user.
func readable(t testing.TB, name string) {
	t.Helper()
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
}

// Spoil has the next job fail before it starts, on whatever node it is to run; Slurm
// takes the node for broken from then on.
func (c *Cluster) Spoil() { write(c.t, c.path("spoilt"), "") }

// Set changes a line of the configuration, for processes that are started later.
func (c *Cluster) Set(key, value string) {
	c.t.Helper()
	text, err := os.ReadFile(c.path("slurm.conf"))
	if err != nil {
		c.t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^" + key + "=.*$")
	write(c.t, c.path("slurm.conf"), line.ReplaceAllString(string(text), key+"="+value))
}

// freePorts returns ports on loopback that nobody listens on.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // when all are known, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Start starts a process of the cluster: "slurmctld", or a node by its name.
func (c *Cluster) Start(name string) {
	c.t.Helper()
	var cmd *exec.Cmd
	switch name {
	case "munged":
		cmd = exec.Command(c.programs.path("munged"), "--foreground", "--force", "--key-file="+c.path("munge/key"), "--socket="+c.path("munge/sock"),
			"--pid-file="+c.path("munge/pid"), "--log-file="+c.path("munge/log"), "--seed-file="+c.path("munge/seed"))
	case "slurmctld":
		cmd = exec.Command(c.path("slurmctld"), "-D")
	default:
		cmd = exec.Command(c.path("slurmd"), "-D", "-N", name, "-d", c.path("slurmstepd"))
	}
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.Env...)
	log, err := os.OpenFile(c.path("log/"+name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		c.t.Error(err)
		return
	}
	d := &daemon{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it is killed
		close(d.ended)
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.daemons[name] = d
}

// Kill kills a process of the cluster, and nothing that it has started.
func (c *Cluster) Kill(name string) {
	c.mu.Lock()
	d := c.daemons[name]
	delete(c.daemons, name)
	c.mu.Unlock()
	if d != nil {
		_ = d.cmd.Process.Kill() // it may have ended
		<-d.ended
	}
}

// Run runs one of Slurm's programs, and returns what it prints.
func (c *Cluster) Run(name string, args ...string) (string, error) {
	cmd := exec.Command(c.programs.path(name), args...)
	cmd.Env = append(os.Environ(), c.Env...)
	out, err := cmd.Output()
	return string(out), err
}

func (c *Cluster) await(what string, ready func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if ready() {
			return
		}
	}
	c.t.Fatalf("%s did not come: %s", what, c.logs())
}

func (c *Cluster) logs() string {
	var b strings.Builder
	files, _ := filepath.Glob(c.path("log/*"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		fmt.Fprintf(&b, "\n== %s\n%s", filepath.Base(file), text[max(0, len(text)-1000):])
	}
	return b.String()
}

// close ends the jobs that are left, and the processes.
func (c *Cluster) close() {
	if c.t.Failed() {
		c.t.Logf("the cluster said: %s", c.logs())
	}
	_, _ = c.Run("scancel", "--me", "--quiet")
	for range 50 {
		if out, err := c.Run("squeue", "--noheader", "--states=running,completing"); err != nil || out == "" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.mu.Lock()
	var names []string
	for name := range c.daemons {
		names = append(names, name)
	}
	c.mu.Unlock()
	for _, name := range names {
		c.Kill(name)
	}
	os.RemoveAll(c.dir)
}

// slurmPrograms are where Slurm and munge are: installed in the system where root is
// "", or unpacked below it.
type slurmPrograms struct{ root string }

// path returns the path of a program, by the name that Debian gives it in a package
// or, when it is installed, beside it.
func (p *slurmPrograms) path(name string) string {
	for _, dir := range []string{"usr/bin", "usr/sbin"} {
		for _, file := range []string{name, name + "-wlm"} {
			path := filepath.Join("/", p.root, dir, file)
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return name
}

// plugins returns the folder of Slurm's plugins where it isn't what Slurm was built for.
func (p *slurmPrograms) plugins() string {
	if p.root == "" {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(p.root, "usr/lib/*-linux-gnu/slurm-wlm"))
	return strings.Join(found, ":")
}

func (p *slurmPrograms) env() []string {
	if p.root == "" {
		return nil
	}
	libraries := p.plugins() + ":" + filepath.Dir(p.plugins())
	return []string{"LD_LIBRARY_PATH=" + libraries, "PATH=" + filepath.Join(p.root, "usr/bin") + ":" + os.Getenv("PATH")}
}

// slurmRoot returns what slurmPrograms needs.
var slurmRoot = sync.OnceValues(func() (string, error) {
	if runtime.GOOS != "linux" {
		return "", errors.New("Slurm is for Linux")
	}
	system := &slurmPrograms{}
	installedAll := true
	for _, name := range []string{"munged", "slurmctld", "slurmd", "slurmstepd", "sbatch"} {
		installedAll = installedAll && filepath.IsAbs(system.path(name))
	}
	if installedAll {
		return "", nil
	}
	return installed("slurm", func(dir string) error {
		return unpackDebian(dir, "slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
	})
})
