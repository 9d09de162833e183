// Package sshagent connects to the SSH agent of the user.
package sshagent

import (
	"errors"
	"io"

	"golang.org/x/crypto/ssh/agent"
)

// ErrNone says that there is no agent.
var ErrNone = errors.New("there is no SSH agent")

// Agent is the user's agent, and the connection to it, which is to be closed.
type Agent struct {
	agent.ExtendedAgent
	io.Closer
}

// Open connects to the agent that listens on a socket, as SSH_AUTH_SOCK names it.
// Where that is empty, the error is [ErrNone], but on Windows it stands for
// OpenSSH's own.
func Open(socket string) (*Agent, error) {
	c, err := dial(socket)
	if err != nil {
		return nil, err
	}
	return &Agent{agent.NewClient(c), c}, nil
}
