package pipeline

import (
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/pipeline/slurm"
)

// Slurm is what [executor.slurm] says: how stages become jobs of a cluster.
type Slurm struct {
	Partition, Account, QOS, Constraint string

	Sbatch        []string // further arguments of sbatch
	Setup         string   // what the script of a job does before xt is called, in sh
	Scratch       string   // where the directories of commands are made on a node; "" for below .xt
	ArrayLimit    int      // tasks of an array that run at a time; 0: as many as the cluster lets
	TrialsPerTask int      // trials that a task of an array runs one after the other
	// Retries is how often a job is submitted again after each kind of failure.
	Retries map[slurm.Kind]int
}

// defaultSlurm holds where xt.toml says nothing: what is no fault of the stage is
// tried again.
func defaultSlurm() Slurm {
	return Slurm{TrialsPerTask: 1, Retries: map[slurm.Kind]int{slurm.NodeLost: 2, slurm.WasPreempted: 10, slurm.NotLaunched: 2, slurm.Forgotten: 1}}
}

var executorShape = table("Where stages run, other than on this machine.",
	key{name: "slurm", shape: table("How stages become jobs of a Slurm cluster, with --executor slurm.",
		key{name: "partition", also: []string{"queue"}, shape: slurmWord("The partition that jobs are submitted to. By default that of the cluster.", `"gpu"`)},
		key{name: "account", also: []string{"project"}, shape: slurmWord("The account that jobs are charged to.", `"ml-42"`)},
		key{name: "qos", shape: slurmWord("The quality of service of jobs.", `"long"`)},
		key{name: "constraint", also: []string{"constraints", "features"}, shape: slurmWord("The features that nodes must have.", `"a100&nvlink"`)},
		key{name: "sbatch", also: []string{"args", "extra", "options", "sbatch_args"}, shape: sbatchShape("Further arguments of sbatch, each one string.", `["--exclude=n7"]`)},
		key{name: "setup", also: []string{"prologue", "modules"}, shape: texts("a line or a list of lines", "What the script of a job does before the stage, in sh.", `["module load python/3.12"]`)},
		key{name: "scratch", also: []string{"tmp", "tmpdir"}, shape: text("a path, with variables of the node", "Where on a node the directories of commands are made, such as a local disk. By default below .xt, on the shared file system.", `"$TMPDIR"`)},
		key{name: "array_limit", also: []string{"max_parallel", "limit"}, shape: integer("an integer of at least 1", "How many tasks of an array run at a time.", "16", 1, 1<<20)},
		key{name: "trials_per_task", also: []string{"batch", "tasks"}, shape: withDefault(integer("an integer from 1 to 10000", "How many trials of a sweep a task of an array runs, one after the other.", "8", 1, 10000), int64(1))},
		key{name: "retries", also: []string{"retry", "requeue"}, shape: retriesShape},
	)},
)

func slurmWord(doc, example string) *shape {
	return &shape{kinds: aString, want: "a text of one line", doc: doc, example: example, pattern: titlePattern}
}

var retriesShape = func() *shape {
	doc := map[slurm.Kind]string{
		slurm.NodeLost:     "After a node was lost or went down.",
		slurm.RanOut:       "After a job reached its time limit.",
		slurm.OutOfRAM:     "After a job needed more memory than it had asked for.",
		slurm.WasPreempted: "After a job had to make way for another one.",
		slurm.NotLaunched:  "After a node could not start a job.",
		slurm.Forgotten:    "After the cluster forgot a job that left no result.",
	}
	t := table("How often a job is submitted again, by what became of it.")
	for _, kind := range slurm.Kinds() {
		n := integer("an integer from 0 to 100", doc[kind], "3", 0, 100)
		t.keys = append(t.keys, key{name: string(kind), shape: withDefault(n, int64(defaultSlurm().Retries[kind]))})
	}
	return t
}()

func sbatchShape(doc, example string) *shape {
	return &shape{kinds: aString | aList, want: "an argument or a list of arguments", doc: doc, example: example, item: &shape{kinds: aString, want: "an argument of sbatch"}}
}

func (l *loader) readSlurm(n *tomldoc.Node) {
	s := defaultSlurm()
	defer func() { l.cfg.Slurm = s }()
	if !l.ok(n) {
		return
	}
	p := place{where: "[executor.slurm]"}
	for name, to := range map[string]*string{"partition": &s.Partition, "account": &s.Account, "qos": &s.QOS, "constraint": &s.Constraint, "scratch": &s.Scratch} {
		*to = l.str(n.Get(name))
	}
	s.Sbatch = l.sbatch(n.Get("sbatch"), p, "sbatch")
	var lines []string
	for _, line := range l.each(n.Get("setup")) {
		if strings.ContainsRune(l.str(line), 0) {
			l.tell(line.At, p, "", "setup holds a NUL byte")
		}
		lines = append(lines, l.str(line))
	}
	s.Setup = strings.Join(lines, "\n")
	s.ArrayLimit = int(l.num(n.Get("array_limit")))
	if t := n.Get("trials_per_task"); l.ok(t) {
		s.TrialsPerTask = int(l.num(t))
	}
	for _, kind := range slurm.Kinds() {
		if v := n.Get("retries").Get(string(kind)); l.ok(v) {
			s.Retries[kind] = int(l.num(v))
		}
	}
}

// ownFlags are the arguments of sbatch that xt gives itself, or that would make of a
// job what it cannot follow.
var ownFlags = []string{
	"--parsable", "--wait", "-W", "--wrap", "--array", "-a", "--output", "-o", "--error", "-e", "--dependency", "-d", "--chdir", "-D",
	"--open-mode", "--comment", "--job-name", "-J", "--kill-on-invalid-dep", "--requeue", "--no-requeue", "--test-only", "--help", "-h", "--version", "-V", "--usage",
}

// sbatch reads further arguments of sbatch.
func (l *loader) sbatch(n *tomldoc.Node, p place, key string) []string {
	var args []string
	for _, item := range l.each(n) {
		arg := l.str(item)
		name, _, hasValue := strings.Cut(arg, "=")
		switch {
		case len(arg) < 2 || arg[0] != '-' || arg == "--" || strings.ContainsAny(arg, "\x00\n"):
			l.tell(item.At, p, `such as "--exclude=n7"`, "%s: %s is no argument of sbatch", key, l.quoted(item))
		case slices.Contains(ownFlags, name) || len(arg) > 2 && arg[1] != '-' && slices.Contains(ownFlags, arg[:2]):
			l.tell(item.At, p, "leave it out", "%s: %s is for xt to say", key, name)
		case !hasValue && strings.ContainsAny(arg, " \t"):
			l.tell(item.At, p, "each argument is a string of its own, and a value follows an equals sign: \""+strings.Join(strings.Fields(arg), "=")+"\"", "%s: %s holds a space", key, l.quoted(item))
		}
		args = append(args, arg)
	}
	return args
}
