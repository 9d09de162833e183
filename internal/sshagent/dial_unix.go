//go:build !windows

package sshagent

import "net"

func dial(socket string) (net.Conn, error) {
	if socket == "" {
		return nil, ErrNone
	}
	return net.Dial("unix", socket)
}
