package replay

import "github.com/xtrepro/xt/hash"

// queue is the same request, again and again.
type queue struct{ calls []*call } // by number, from the first

// call is one number of a request. A call that failed, or whose answer nobody got,
// is free for the next same request, which is the client's next attempt.
type call struct {
	key     hash.Sum
	name    string // of its file
	number  int
	request string // for people

	held bool          // by a request, which has got it or waits for it
	busy chan struct{} // closed when whoever asks has an answer; nil if nobody does
	rec  *stored       // the answer; nil if there is none yet

	failure string     // why there is none
	last    *Recording // the error that a provider answered with last
}

// take returns the next call for a request, and a function that makes it free
// again.
func (s *Session) take(req *Request, key hash.Sum) (c *call, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[key]
	if q == nil {
		q = new(queue)
		s.queues[key] = q
	}
	for _, c = range q.calls {
		if !c.held {
			break
		}
	}
	if c == nil || c.held {
		c = &call{key: key, number: len(q.calls) + 1, request: req.String()}
		c.name = nameOf(req.Provider, key, c.number)
		q.calls = append(q.calls, c)
	}
	c.held = true
	mine := true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if mine {
			mine, c.held = false, false
		}
	}
}

// begin returns whether the caller is to find the answer, and has to call finish.
// Otherwise the answer is there, or busy tells when it is.
func (s *Session) begin(c *call) (rec *stored, busy <-chan struct{}, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.rec != nil || c.busy != nil {
		return c.rec, c.busy, false
	}
	c.busy = make(chan struct{})
	return nil, nil, true
}

// finish ends what begin began: with an answer, or with why there is none.
func (s *Session) finish(c *call, rec *stored, recorded bool, failure string, last *Recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.rec, c.failure, c.last = rec, failure, last
	close(c.busy)
	c.busy = nil
	if rec == nil {
		return
	}
	s.sum.Calls++
	s.sum.Tokens += rec.Response.Tokens()
	if recorded {
		s.sum.Recorded++
	} else {
		s.sum.Replayed++
	}
}
