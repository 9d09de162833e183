package sshagent

import (
	"net"

	"github.com/Microsoft/go-winio"
)

// dial connects to OpenSSH's agent, which listens on a pipe.
func dial(pipe string) (net.Conn, error) {
	if pipe == "" {
		pipe = `\\.\pipe\openssh-ssh-agent`
	}
	return winio.DialPipe(pipe, nil)
}
