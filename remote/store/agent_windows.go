package store

import (
	"net"

	"github.com/Microsoft/go-winio"
)

// dialAgent connects to OpenSSH's agent, which listens on a pipe.
func dialAgent(pipe string) (net.Conn, error) {
	if pipe == "" {
		pipe = `\\.\pipe\openssh-ssh-agent`
	}
	return winio.DialPipe(pipe, nil)
}
