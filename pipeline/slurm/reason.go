package slurm

import "strings"

// reasons are why a job waits, by the word of Slurm or its beginning. What is not among
// them says enough by itself, or nothing.
var reasons = []struct{ word, words string }{
	{"Resources", "what it asks for is in use"},
	{"Priority", "others come first"},
	{"JobArrayTaskLimit", "as many tasks of its array as may are running"},
	{"BeginTime", "its time to begin has not come"},
	{"Licenses", "licenses that it asks for are in use"},
	{"Reservation", "its reservation has not begun"},
	{"ReqNodeNotAvail", "nodes that it asks for are not available"},
	{"Nodes required", "its nodes are down, drained or reserved"},
	{"NodeDown", "a node that it asks for is down"},
	{"PartitionDown", "its partition is down"},
	{"PartitionInactive", "its partition is closed"},
	{"PartitionTimeLimit", "it asks for more time than its partition gives"},
	{"PartitionNodeLimit", "it asks for more nodes than its partition gives"},
	{"BadConstraints", "no node has what it asks for"},
	{"InvalidAccount", "its account may not use the cluster"},
	{"AccountNotAllowed", "its account may not use the partition"},
	{"InvalidQOS", "there is no such QOS"},
	{"QOSNotAllowed", "its QOS may not be used in the partition"},
	{"QOS", "a limit of its QOS is reached"},
	{"Assoc", "a limit of its account is reached"},
	{"MaxMemPerLimit", "it asks for more memory than is allowed"},
}

// Why says why a job waits, or ended, as people would, with the word that Slurm has
// for it.
func (j *Job) Why() string {
	word := strings.ReplaceAll(j.Reason, "_", " ")
	for _, r := range reasons {
		if strings.HasPrefix(word, r.word) {
			return r.words + " (" + j.Reason + ")"
		}
	}
	return j.Reason
}
