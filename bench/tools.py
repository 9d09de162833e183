"""How each tool is told to do the same work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data import remove
from server import CREDENTIALS, Place

DVC_VERSION = "3.67.1"
B3SUM_VERSION = "1.8.7"
AWS_VERSION = "1.46.3"
RESTIC = "github.com/restic/restic/cmd/restic@v0.19.1"
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
ENVIRONMENT = {
    "DVC_NO_ANALYTICS": "1",
    "NO_COLOR": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
    "RESTIC_PASSWORD": "bench",
    **CREDENTIALS,
}


def quietly(argv: list[str], cwd: Path, env: dict[str, str]) -> None:
    """Runs what is not measured."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout.decode(errors='replace')[-600:]}")


class Tool:
    """A data-versioning tool, and a folder in which it works."""

    name: str
    add: list[str]
    status: list[str]
    checkout: list[str]
    repro: list[str]
    push: list[str]
    fetch: list[str]
    pull: list[str]
    tidy: list[str] | None = None  # what removes from the cache what only older versions need, where memory asks for that

    def __init__(self, exe: str, link: str = "") -> None:
        self.exe, self.link = exe, link
        if link:
            self.name = f"{self.name} {link}"

    def begin(self, folder: Path, env: dict[str, str]) -> None:
        """Makes the folder a project."""
        raise NotImplementedError

    def before_add(self, folder: Path, env: dict[str, str]) -> None:
        """Declares that data is to be added, where that is a step of its own."""

    def declare(self, folder: Path, stages: int, env: dict[str, str]) -> None:
        """Declares stages that copy in/NNNN to out/NNNN."""
        raise NotImplementedError

    def remote(self, folder: Path, place: Place, env: dict[str, str]) -> None:
        """Declares where pushes go."""
        raise NotImplementedError

    def forget(self, folder: Path, env: dict[str, str]) -> None:
        """Leaves what a fresh clone has: neither the data, nor a cache, nor anything known of the remote."""
        raise NotImplementedError


class Xt(Tool):
    name = "xt"

    def __init__(self, exe: str, link: str = "") -> None:
        super().__init__(exe, link)
        self.add, self.status = [exe, "add", "data"], [exe, "status"]
        self.checkout, self.repro = [exe, "checkout"], [exe, "repro"]
        self.push, self.fetch, self.pull = [exe, "push"], [exe, "fetch"], [exe, "pull"]

    def begin(self, folder: Path, env: dict[str, str]) -> None:
        quietly(["git", "init", "-q"], folder, env)
        quietly([self.exe, "init"], folder, env)
        if self.link:
            quietly([self.exe, "config", "cache.link", self.link], folder, env)

    def declare(self, folder: Path, stages: int, env: dict[str, str]) -> None:
        with (folder / "xt.toml").open("w") as f:
            for i in range(stages):
                f.write(f'[stage.s{i:04d}]\ncmd  = "cp in/{i:04d} out/{i:04d}"\ndeps = ["in/{i:04d}"]\nouts = ["out/{i:04d}"]\n\n')

    def remote(self, folder: Path, place: Place, env: dict[str, str]) -> None:
        quietly([self.exe, "remote", "add", "origin", f"{place.url()}?endpoint={place.endpoint}"], folder, env)

    def forget(self, folder: Path, env: dict[str, str]) -> None:
        remove(folder / "data")
        remove(folder / ".xt")


class Dvc(Tool):
    name = "dvc"

    def __init__(self, exe: str, link: str = "") -> None:
        super().__init__(exe, link)
        self.add, self.status = [exe, "add", "-q", "data"], [exe, "status"]
        self.checkout, self.repro = [exe, "checkout", "-q"], [exe, "repro", "-q"]
        self.push, self.fetch, self.pull = [exe, "push", "-q"], [exe, "fetch", "-q"], [exe, "pull", "-q"]
        self.tidy = [exe, "gc", "-q", "--workspace", "--force"]

    def begin(self, folder: Path, env: dict[str, str]) -> None:
        # Without git, and without asking for a newer version: that is its faster way.
        quietly([self.exe, "init", "-q", "--no-scm"], folder, env)
        quietly([self.exe, "config", "core.check_update", "false"], folder, env)
        if self.link:
            quietly([self.exe, "config", "cache.type", self.link], folder, env)

    def declare(self, folder: Path, stages: int, env: dict[str, str]) -> None:
        with (folder / "dvc.yaml").open("w") as f:
            f.write("stages:\n")
            for i in range(stages):
                f.write(f"  s{i:04d}:\n    cmd: cp in/{i:04d} out/{i:04d}\n    deps: [in/{i:04d}]\n    outs: [out/{i:04d}]\n")

    def remote(self, folder: Path, place: Place, env: dict[str, str]) -> None:
        quietly([self.exe, "remote", "add", "-q", "--default", "origin", place.url()], folder, env)
        quietly([self.exe, "remote", "modify", "-q", "origin", "endpointurl", place.endpoint], folder, env)

    def forget(self, folder: Path, env: dict[str, str]) -> None:
        for path in ["data", ".dvc/cache", ".dvc/tmp", env["DVC_SITE_CACHE_DIR"]]:
            remove(folder / path)


class Dud(Tool):
    name = "dud"

    def __init__(self, exe: str, link: str = "") -> None:
        super().__init__(exe, link)
        copies = ["--copy"] if link == "copy" else []
        self.add, self.status = [exe, "commit", *copies], [exe, "status"]
        self.checkout, self.repro = [exe, "checkout", *copies], [exe, "run"]

    def begin(self, folder: Path, env: dict[str, str]) -> None:
        quietly([self.exe, "init"], folder, env)

    def before_add(self, folder: Path, env: dict[str, str]) -> None:
        kind = "{is-dir: true}" if (folder / "data").is_dir() else "{}"
        (folder / "data.yaml").write_text(f"working-dir: .\noutputs:\n  data: {kind}\n")
        quietly([self.exe, "stage", "add", "data.yaml"], folder, env)

    def declare(self, folder: Path, stages: int, env: dict[str, str]) -> None:
        (folder / "stages").mkdir()
        names = [f"stages/{i:04d}.yaml" for i in range(stages)]
        for i, name in enumerate(names):
            (folder / name).write_text(
                f"command: cp in/{i:04d} out/{i:04d}\nworking-dir: .\ninputs:\n  in/{i:04d}: {{}}\noutputs:\n  out/{i:04d}: {{}}\n"
            )
        quietly([self.exe, "stage", "add", *names], folder, env)


class Restic(Tool):
    """A backup program. It has no cache of the data: a backup does what add and push do, a restore what pull does."""

    name = "restic"

    def __init__(self, exe: str, link: str = "") -> None:
        super().__init__(exe, link)
        self.add = []

    def begin(self, folder: Path, env: dict[str, str]) -> None:
        """Nothing: the repository is at the remote."""

    def remote(self, folder: Path, place: Place, env: dict[str, str]) -> None:
        exe = [self.exe, "-q", "-r", f"s3:{place.endpoint}/{place.bucket}/{place.prefix}", "--cache-dir", ".restic"]
        quietly([*exe, "init"], folder, env)
        self.push, self.pull = [*exe, "backup", "data"], [*exe, "restore", "latest", "--target", "."]

    def forget(self, folder: Path, env: dict[str, str]) -> None:
        remove(folder / "data")
        remove(folder / ".restic")


def aws_copy(exe: str, place: Place, source: str, to: str) -> list[str]:
    return [exe, "--endpoint-url", place.endpoint, "s3", "cp", "--only-show-errors", source, to]


@dataclass(frozen=True)
class Programs:
    """Where the programs are. One that is None is left out of the measurements."""

    xt: str
    walk: str
    spawn: str
    dvc: str | None
    dud: str | None
    b3sum: str | None
    restic: str | None
    aws: str | None
    versitygw: str | None


def find(repo: Path, kept: Path, scratch: Path, xt: str | None, dud: str | None, peers: bool, remotes: bool) -> Programs:
    """Builds what is Go into scratch, and the peers, once, into the folder kept; what only remotes need, if remotes are measured."""

    def build(package: str) -> str:
        out = scratch / Path(package).name
        quietly(["go", "build", "-tags", "disable_grpc_modules", "-o", str(out), package], repo, dict(os.environ))
        return str(out)

    return Programs(
        xt=xt or build("./cmd/xt"),
        walk=build("./bench/walk"),
        spawn=build("./bench/spawn"),
        dvc=optional("dvc", lambda: install_python(kept, "dvc[s3]", DVC_VERSION, "dvc")) if peers else None,
        dud=optional("dud", lambda: found(dud or "dud")) if peers else None,
        b3sum=optional("b3sum", lambda: install_b3sum(kept)),
        restic=optional("restic", lambda: install_go(kept, RESTIC)) if peers and remotes else None,
        aws=optional("aws", lambda: install_python(kept, "awscli", AWS_VERSION, "aws")) if peers and remotes else None,
        versitygw=optional("versitygw", lambda: install_go(kept, VERSITYGW)) if remotes else None,
    )


def optional(name: str, get: Callable[[], str]) -> str | None:
    try:
        return get()
    except (OSError, RuntimeError) as err:
        print(f"without {name}: {err}")
        return None


def found(name: str) -> str:
    exe = shutil.which(name)
    if not exe:
        raise RuntimeError("it is not in PATH")
    return exe


def install_python(kept: Path, package: str, version: str, program: str, *also: str) -> str:
    """A program of a package of PyPI, or the Python that has it and other packages."""
    exe = kept / f"{re.sub(r'[^a-z0-9]+', '-', package).strip('-')}-{version}" / "bin" / program
    if not exe.exists():
        venv, wanted, env = exe.parent.parent, f"{package}=={version}", dict(os.environ)
        python = str(venv / "bin" / "python")
        kept.mkdir(parents=True, exist_ok=True)
        if uv := shutil.which("uv"):
            quietly([uv, "venv", "-q", "--python", "3.11", str(venv)], kept, env)
            quietly([uv, "pip", "install", "-q", "--python", python, wanted, *also], kept, env)
        else:
            quietly(["python3", "-m", "venv", str(venv)], kept, env)
            quietly([python, "-m", "pip", "install", "-q", wanted, *also], kept, env)
    return str(exe)


def install_b3sum(kept: Path) -> str:
    exe = kept / f"b3sum-{B3SUM_VERSION}" / "bin" / "b3sum"
    if not exe.exists():
        kept.mkdir(parents=True, exist_ok=True)
        quietly(["cargo", "install", "-q", "--root", str(exe.parent.parent), "--version", B3SUM_VERSION, "b3sum"], kept, dict(os.environ))
    return str(exe)


def install_go(kept: Path, package: str) -> str:
    """A program of Go, PATH@VERSION."""
    name = Path(package).name
    exe = kept / name.replace("@", "-") / name.partition("@")[0]
    if not exe.exists():
        exe.parent.mkdir(parents=True, exist_ok=True)
        quietly(["go", "install", package], kept, {**os.environ, "GOBIN": str(exe.parent), "GOWORK": "off"})
    return str(exe)
