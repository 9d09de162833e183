//go:build !windows

package store

import (
	"errors"
	"net"
)

func dialAgent(socket string) (net.Conn, error) {
	if socket == "" {
		return nil, errors.New("there is no agent")
	}
	return net.Dial("unix", socket)
}
