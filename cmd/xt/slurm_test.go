package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestSlurm runs the scripts in testdata/slurm on one cluster of three nodes, and each
// of those in testdata/slurmlost, which break it, on one of its own.
func TestSlurm(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	shared := testserver.Slurm(t, 3)
	t.Run("shared", func(t *testing.T) {
		runOnCluster(t, "testdata/slurm", func() *testserver.Cluster { return shared })
	})
	t.Run("own", func(t *testing.T) {
		runOnCluster(t, "testdata/slurmlost", func() *testserver.Cluster { return testserver.Slurm(t, 2) })
	})
}

type clusterKey struct{}

func runOnCluster(t *testing.T, dir string, cluster func() *testserver.Cluster) {
	params := scriptParams(newServers(t))
	params.Dir = dir
	params.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		c := cluster()
		env.Values[clusterKey{}] = c
		for _, v := range c.Env {
			name, value, _ := strings.Cut(v, "=")
			env.Setenv(name, value)
		}
		return nil
	}
	params.Cmds["cluster"] = clusterCommand
	params.Condition = func(cond string) (bool, error) {
		if cond == "memory" { // whether jobs are held to the memory that they asked for
			return testserver.LimitsMemory(), nil
		}
		return condition(cond)
	}
	testscript.Run(t, params)
}

// clusterCommand kills or starts a process of the script's cluster. The node that a
// job runs on is lost when its daemon is killed and the controller has noticed, which
// is told it here; the node can be started again as "lost". A job expires when its time
// is up at once, and whatever starts next on a cluster that is spoilt fails to:
//
//	cluster kill slurmctld
//	cluster start slurmctld
//	cluster lose JOB
//	cluster expire JOB
//	cluster set KEY=VALUE
//	cluster spoil next
func clusterCommand(ts *testscript.TestScript, neg bool, args []string) {
	c, ok := ts.Value(clusterKey{}).(*testserver.Cluster)
	if neg || !ok || len(args) != 2 {
		ts.Fatalf("usage: cluster kill|start|lose|expire|set|spoil NAME")
	}
	name := args[1]
	if name == "lost" {
		name = strings.TrimSpace(ts.ReadFile("lost"))
	}
	switch args[0] {
	case "kill":
		c.Kill(name)
	case "start":
		c.Start(name)
	case "lose":
		node, err := c.Run("squeue", "--noheader", "--states=running", "--name="+name, "--format=%N")
		ts.Check(err)
		node, _, _ = strings.Cut(strings.TrimSpace(node), "\n") // tasks of an array may be on several
		ts.Check(os.WriteFile(ts.MkAbs("lost"), []byte(node), 0o666))
		c.Kill(node)
		_, err = c.Run("scontrol", "update", "nodename="+node, "state=down", "reason=lost")
		ts.Check(err)
	case "expire":
		id, err := c.Run("squeue", "--noheader", "--states=running", "--name="+name, "--format=%i")
		ts.Check(err)
		_, err = c.Run("scontrol", "update", "jobid="+strings.TrimSpace(id), "endtime=now")
		ts.Check(err)
	case "set":
		key, value, _ := strings.Cut(name, "=")
		c.Set(key, value)
	case "spoil":
		c.Spoil()
	default:
		ts.Fatalf("unknown: cluster %s", args[0])
	}
}
