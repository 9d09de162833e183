// Command spawn runs the commands that the stages of the benchmark run, one
// after the other, and does nothing else: what is left of a run's time beside
// this is what a tool adds.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

func main() {
	n, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if len(os.Args) != 2 || err != nil {
		fmt.Fprintln(os.Stderr, "usage: spawn STAGES")
		os.Exit(2)
	}
	for i := range n {
		c := exec.Command("sh", "-e", "-c", fmt.Sprintf("cp in/%04d out/%04d", i, i))
		if err := c.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "spawn: stage %d: %v\n", i, err)
			os.Exit(4)
		}
	}
}
