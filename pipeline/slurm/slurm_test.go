package slurm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// queue is what squeue 22.05 printed of jobs that were brought into each state.
const queue = `4|N/A|CANCELLED||DependencyNeverSatisfied
1|N/A|COMPLETED|n1|None
7|2|COMPLETED|n1|None
7|0|COMPLETED|n2|None
3|N/A|FAILED|n1|NonZeroExitCode
7|3|FAILED|n2|NonZeroExitCode
10|N/A|FAILED||BadConstraints
5|N/A|PENDING||DependencyNeverSatisfied
11|N/A|PENDING||BeginTime
6|N/A|PENDING||JobHeldUser
2|N/A|TIMEOUT|n1|TimeLimit
31|N/A|PENDING||launch failed requeued held
32|N/A|NODE_FAIL|n3|NodeFail
33|N/A|OUT_OF_MEMORY|n3|OutOfMemory
34|N/A|CANCELLED|n1|None
35|N/A|RUNNING|n1|None
36|N/A|COMPLETING|n1|None
37|N/A|PREEMPTED|n1|None
38|N/A|FAILED|n1|JobLaunchFailure
39|N/A|DEADLINE||DeadLine
slurm_load_jobs error: not a job
x|y|RUNNING|n1|None
`

func TestParseQueue(t *testing.T) {
	kinds := map[string]Kind{}
	jobs := ParseQueue(queue)
	for i := range jobs {
		j := &jobs[i]
		kinds[j.ID+j.Task] = j.Kind()
	}
	want := map[string]Kind{"4": NoUpstream, "1": "", "72": "", "70": "", "3": "", "73": "", "10": "", "5": NoUpstream, "11": "", "6": "", "2": RanOut,
		"31": NotLaunched, "32": NodeLost, "33": OutOfRAM, "34": WasCancelled, "35": "", "36": "", "37": WasPreempted, "38": NotLaunched, "39": TooLate}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Job{ID: "7", Task: "3", State: Failed, Node: "n2", Reason: "NonZeroExitCode"}, jobs[5]); diff != "" {
		t.Error(diff)
	}
	stuck := slices.DeleteFunc(slices.Clone(jobs), func(j Job) bool { return !j.Stuck() })
	if len(stuck) != 2 || stuck[0].ID != "5" || stuck[1].ID != "31" {
		t.Errorf("stuck are %v", stuck)
	}
}

func TestWhy(t *testing.T) {
	for reason, want := range map[string]string{
		"Resources":                            "what it asks for is in use (Resources)",
		"ReqNodeNotAvail, UnavailableNodes:n2": "nodes that it asks for are not available (ReqNodeNotAvail, UnavailableNodes:n2)",
		"Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions": "its nodes are down, drained or reserved (Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions)",
		"QOSMaxJobsPerUserLimit": "a limit of its QOS is reached (QOSMaxJobsPerUserLimit)",
		"QOSNotAllowed":          "its QOS may not be used in the partition (QOSNotAllowed)",
		"AssocGrpCpuLimit":       "a limit of its account is reached (AssocGrpCpuLimit)",
		"FrontEndDown":           "FrontEndDown",
		"":                       "",
	} {
		j := Job{State: Pending, Reason: reason}
		if got := j.Why(); got != want {
			t.Errorf("Why of %q = %q", reason, got)
		}
	}
}

func TestParseCodes(t *testing.T) {
	// As squeue 22.05 prints it with --Format=JobArrayID:40,exit_code:20.
	const text = "15                                      0                   \n18_1                                    36608               \n19                                      N/A                 \n"
	if diff := cmp.Diff(map[string]int{"15": 0, "18_1": 36608}, parseCodes(text)); diff != "" {
		t.Error(diff)
	}
}

func TestParseAccounts(t *testing.T) {
	// As sacct 22.05 prints it with --allocations and --parsable2.
	const text = "12|COMPLETED|n1\n13_0|FAILED|n2\n13_[1-3]|PENDING|None assigned\n14|CANCELLED by 0|n1\n15|NODE_FAIL|n3\n16|OUT_OF_MEMORY|n3\nx|y\n"
	want := []Job{{ID: "12", State: Completed, Node: "n1"}, {ID: "13", Task: "0", State: Failed, Node: "n2"},
		{ID: "14", State: Cancelled, Node: "n1"}, {ID: "15", State: NodeFail, Node: "n3"}, {ID: "16", State: OutOfMemory, Node: "n3"}}
	if diff := cmp.Diff(want, ParseAccounts(text)); diff != "" {
		t.Error(diff)
	}
}

func TestArgs(t *testing.T) {
	r := Request{Name: "train", Mark: "xt:a/1.1", Dir: "/p", Output: "/p/50%/log", Array: "0-7%2", After: []string{"3", "4"}, Partition: "gpu",
		CPUs: 4, GPUs: 1, Memory: 16<<30 + 1, Time: 90*time.Minute + time.Millisecond, Extra: []string{"--exclude=n7"}}
	got := strings.Join(r.Args(), " ")
	for _, want := range []string{"--output=/p/50%%/log.%a ", "--array=0-7%2", "--dependency=afterok:3:4", "--partition=gpu", "--cpus-per-task=4", "--gres=gpu:1",
		"--mem=16777217K", "--time=1:30:01", "--no-requeue", "--kill-on-invalid-dep=yes", "--comment=xt:a/1.1"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if !strings.HasSuffix(got, " --exclude=n7") {
		t.Errorf("the user's arguments are not the last: %s", got)
	}
}

func TestSaid(t *testing.T) {
	for text, want := range map[string]string{
		"sbatch: error: Batch job submission failed: More processors requested than permitted\n":                                           "Batch job submission failed: More processors requested than permitted",
		"sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n": "invalid partition specified: nope; Batch job submission failed: Invalid partition name specified",
		"sbatch: unrecognized option '--bogus'\nTry \"sbatch --help\" for more information\n":                                              "sbatch: unrecognized option '--bogus'",
		"": "",
	} {
		if got := said(text); got != want {
			t.Errorf("said(%q) = %q", text, got)
		}
	}
}

func TestMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var missing *MissingError
	if err := Installed(); !errors.As(err, &missing) || missing.Program != "sbatch" {
		t.Errorf("without Slurm: %v", err)
	}
	if _, err := new(Client).Jobs(t.Context(), []string{"1"}); !errors.As(err, &missing) || missing.Program != "squeue" {
		t.Errorf("without squeue: %v", err)
	}
}

func TestParseSubmitted(t *testing.T) {
	for text, want := range map[string]string{"12\n": "12", "12;cluster\n": "12", "Welcome to the cluster!\n--> checks passed\n12\n": "12", "": "", "no": "", "-1": ""} {
		if got, err := parseSubmitted(text); got != want || (err == nil) != (want != "") {
			t.Errorf("parseSubmitted(%q) = %q, %v", text, got, err)
		}
	}
}

func FuzzParseQueue(f *testing.F) {
	f.Add(queue)
	f.Fuzz(func(t *testing.T, text string) { check(t, ParseQueue(text), text) })
}

func FuzzParseAccounts(f *testing.F) {
	f.Add("12|COMPLETED|n1\n13_0|FAILED|n2\n")
	f.Fuzz(func(t *testing.T, text string) { check(t, ParseAccounts(text), text) })
}

// check looks for what no caller could use.
func check(t *testing.T, jobs []Job, text string) {
	if len(jobs) > strings.Count(text, "\n")+1 {
		t.Errorf("%d jobs in %q", len(jobs), text)
	}
	for i := range jobs {
		j := &jobs[i]
		if !idPattern.MatchString(j.ID) || j.Task != "" && !idPattern.MatchString(j.Task) || j.State == "" {
			t.Errorf("job %+v of %q", j, text)
		}
		if j.Kind() != "" && !j.State.Over() && !j.Stuck() {
			t.Errorf("job %+v failed and goes on", j)
		}
	}
}

func FuzzParseSubmitted(f *testing.F) {
	f.Add("12;cluster\n")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := parseSubmitted(text); err == nil && !idPattern.MatchString(id) {
			t.Errorf("%q gives %q", text, id)
		}
	})
}
