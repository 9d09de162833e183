package slurm

// Kind is a kind of failure that is no failure of what a job runs.
type Kind string

// The kinds. The first six are those that a job may be submitted again after.
const (
	NodeLost     Kind = "node_fail"
	RanOut       Kind = "timeout"
	OutOfRAM     Kind = "memory"
	WasPreempted Kind = "preempted"
	NotLaunched  Kind = "launch"
	Forgotten    Kind = "lost" // the cluster knows nothing of it, and it left no result
	WasCancelled Kind = "cancelled"
	TooLate      Kind = "deadline"
	NoUpstream   Kind = "dependency" // what it waits for did not succeed
)

// Kinds returns the kinds that a job may be submitted again after.
func Kinds() []Kind {
	return []Kind{NodeLost, RanOut, OutOfRAM, WasPreempted, NotLaunched, Forgotten}
}

// Kind returns what kind of failure ended a job, or will keep it from ever starting;
// "" if none did. A job whose program failed is of no kind.
func (j *Job) Kind() Kind {
	switch j.State {
	case NodeFail, BootFail:
		return NodeLost
	case TimedOut:
		return RanOut
	case Deadline:
		return TooLate
	case OutOfMemory:
		return OutOfRAM
	case Preempted:
		return WasPreempted
	}
	switch waits, cancelled := j.State == Pending, j.State == Cancelled || j.State == Revoked; {
	case (waits || cancelled || j.State == Failed) && j.LaunchFailed():
		return NotLaunched
	case (waits || cancelled) && j.Orphaned():
		return NoUpstream
	case cancelled:
		return WasCancelled
	}
	return ""
}

// Words says what became of a job.
func (k Kind) Words() string {
	switch k {
	case NodeLost:
		return "its node was lost"
	case RanOut:
		return "it reached its time limit"
	case OutOfRAM:
		return "it needed more memory than it had asked for"
	case WasPreempted:
		return "it had to make way for another job"
	case NotLaunched:
		return "its node could not start it"
	case Forgotten:
		return "the cluster does not know it any more, and it left no result"
	case WasCancelled:
		return "it was cancelled"
	case TooLate:
		return "it could not end before its deadline"
	case NoUpstream:
		return "a job that it waited for did not succeed"
	}
	return string(k)
}
