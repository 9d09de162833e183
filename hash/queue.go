package hash

import (
	"context"
	"sync"
)

// job is a piece of a scan. It may add others to the queue.
type job interface{ run(w *worker) }

// queue hands jobs to workers. There are two lists, because looking at files
// waits for the system and reading them keeps a processor busy: the first is
// worth more workers than there are processors, the second is not.
//
// Looking is done last in, first out, and it stops while much waits to be
// read, so that the queue stays short however large the tree is.
type queue struct {
	ctx     context.Context
	mu      sync.Mutex
	more    sync.Cond
	looks   []job
	reads   []job
	reading int // reads that are running
	limit   int // how many may
	open    int // jobs that are queued or running
}

// backlog is how many files may wait to be read before no more are looked for.
const backlog = 4096

// lookersPerReader is how many workers look at files for each one that reads.
const lookersPerReader = 4

// buffers are memory that a worker uses again for each directory.
type buffers struct {
	ents    []dirent
	stats   []Stat
	dirents []byte
	text    []byte
}

// worker runs jobs one after the other.
type worker struct {
	*queue
	buffers
}

// runJobs runs the jobs, and those that they add, until none is left or ctx is
// done. At most readers of them read files at a time.
func runJobs(ctx context.Context, readers int, jobs []job) {
	q := &queue{ctx: ctx, limit: readers, looks: jobs, open: len(jobs)}
	q.more.L = &q.mu
	defer context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.more.Broadcast()
	})()
	var wg sync.WaitGroup
	for range readers * lookersPerReader {
		wg.Go(func() { (&worker{queue: q}).work() })
	}
	wg.Wait()
}

func (w *worker) work() {
	for {
		j, reads := w.next()
		if j == nil {
			return
		}
		j.run(w)
		w.done(reads)
	}
}

// look adds a job that looks at files.
func (q *queue) look(j job) { q.add(&q.looks, j) }

// read adds a job that reads a file.
func (q *queue) read(j job) { q.add(&q.reads, j) }

func (q *queue) add(list *[]job, j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*list = append(*list, j)
	q.open++
	q.more.Signal()
}

// next waits for a job; nil when there will be none.
func (q *queue) next() (j job, reads bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.open > 0 && q.ctx.Err() == nil {
		if len(q.reads) > 0 && q.reading < q.limit {
			q.reading++
			return pop(&q.reads), true
		}
		if len(q.looks) > 0 && len(q.reads) < backlog {
			return pop(&q.looks), false
		}
		q.more.Wait()
	}
	return nil, false
}

func pop(list *[]job) job {
	n := len(*list) - 1
	j := (*list)[n]
	(*list)[n] = nil
	*list = (*list)[:n]
	return j
}

// done notes the end of a job.
func (q *queue) done(reads bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open--
	if reads {
		q.reading--
	}
	if q.open == 0 {
		q.more.Broadcast()
	} else {
		q.more.Signal()
	}
}
