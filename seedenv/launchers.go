package seedenv

import "strings"

// shellBuiltins are the commands that a shell carries out by itself and that
// start nothing.
var shellBuiltins = set(`: [ alias bg break cd continue declare echo exit export false fg getopts
	hash jobs kill let local popd printf pushd pwd read readonly return set shift shopt test times trap
	true type typeset ulimit umask unalias unset wait for case in esac fi done function select [[ ]]`)

// launchers are the commands that start what their arguments or a file say.
var launchers = set(`. source eval command builtin env xargs nohup nice ionice timeout stdbuf setsid sudo su
	doas taskset numactl time parallel watch strace ltrace perf flock unshare chroot
	sh bash dash zsh ksh fish csh tcsh busybox pwsh powershell cmd
	make gmake cmake ctest ninja just task rake bazel scons meson mage
	npm npx yarn pnpm node bun deno ruby perl java
	docker podman nerdctl apptainer singularity kubectl nix nix-shell nix-build guix
	ssh srun sbatch salloc qsub bsub mpirun mpiexec mpirun.openmpi mpiexec.hydra
	find git xt calkit`)

// set returns the words of s as a set.
func set(s string) map[string]bool {
	words := make(map[string]bool)
	for _, w := range strings.Fields(s) {
		words[w] = true
	}
	return words
}
