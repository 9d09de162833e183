"""How each tool is told to do the same work."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DVC_VERSION = "3.67.1"
B3SUM_VERSION = "1.8.7"
ENVIRONMENT = {
    "DVC_NO_ANALYTICS": "1",
    "NO_COLOR": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
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


class Xt(Tool):
    name = "xt"

    def __init__(self, exe: str, link: str = "") -> None:
        super().__init__(exe, link)
        self.add, self.status = [exe, "add", "data"], [exe, "status"]
        self.checkout, self.repro = [exe, "checkout"], [exe, "repro"]

    def begin(self, folder: Path, env: dict[str, str]) -> None:
        quietly(["git", "init", "-q"], folder, env)
        quietly([self.exe, "init"], folder, env)
        if self.link:
            quietly([self.exe, "config", "cache.link", self.link], folder, env)

    def declare(self, folder: Path, stages: int, env: dict[str, str]) -> None:
        with (folder / "xt.toml").open("w") as f:
            for i in range(stages):
                f.write(f'[stage.s{i:04d}]\ncmd  = "cp in/{i:04d} out/{i:04d}"\ndeps = ["in/{i:04d}"]\nouts = ["out/{i:04d}"]\n\n')


class Dvc(Tool):
    name = "dvc"

    def __init__(self, exe: str, link: str = "") -> None:
        super().__init__(exe, link)
        self.add, self.status = [exe, "add", "-q", "data"], [exe, "status"]
        self.checkout, self.repro = [exe, "checkout", "-q"], [exe, "repro", "-q"]

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


@dataclass(frozen=True)
class Programs:
    """Where the programs are. One that is None is left out of the measurements."""

    xt: str
    walk: str
    spawn: str
    dvc: str | None
    dud: str | None
    b3sum: str | None


def find(repo: Path, kept: Path, scratch: Path, xt: str | None, dud: str | None, peers: bool) -> Programs:
    """Builds what is Go into scratch, and the peers, once, into the folder kept."""

    def build(package: str) -> str:
        out = scratch / Path(package).name
        quietly(["go", "build", "-o", str(out), package], repo, dict(os.environ))
        return str(out)

    return Programs(
        xt=xt or build("./cmd/xt"),
        walk=build("./bench/walk"),
        spawn=build("./bench/spawn"),
        dvc=optional("dvc", lambda: install_dvc(kept)) if peers else None,
        dud=optional("dud", lambda: found(dud or "dud")) if peers else None,
        b3sum=optional("b3sum", lambda: install_b3sum(kept)),
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


def install_dvc(kept: Path) -> str:
    exe = kept / f"dvc-{DVC_VERSION}" / "bin" / "dvc"
    if not exe.exists():
        venv, wanted, env = exe.parent.parent, f"dvc=={DVC_VERSION}", dict(os.environ)
        python = str(venv / "bin" / "python")
        kept.mkdir(parents=True, exist_ok=True)
        if uv := shutil.which("uv"):
            quietly([uv, "venv", "-q", "--python", "3.11", str(venv)], kept, env)
            quietly([uv, "pip", "install", "-q", "--python", python, wanted], kept, env)
        else:
            quietly(["python3", "-m", "venv", str(venv)], kept, env)
            quietly([python, "-m", "pip", "install", "-q", wanted], kept, env)
    return str(exe)


def install_b3sum(kept: Path) -> str:
    exe = kept / f"b3sum-{B3SUM_VERSION}" / "bin" / "b3sum"
    if not exe.exists():
        kept.mkdir(parents=True, exist_ok=True)
        quietly(["cargo", "install", "-q", "--root", str(exe.parent.parent), "--version", B3SUM_VERSION, "b3sum"], kept, dict(os.environ))
    return str(exe)
