"""What xt does to libraries as a script imports them.

AFTER maps the name of a module to a function that is called with the module
right after its import. A module that is never imported costs nothing, and a
script that seeds for itself does so later, so its own seeds win. SUPPLIED are
modules of AFTER that are empty ones where nobody else has them.

Syntax and library calls are those that Python 3.8 to 3.14 have in common, and
what is imported here is what Python has loaded anyway.
"""

import os
import sys

AFTER = {}
SUPPLIED = ("mlflow.llm",)


def after(*names):
    """Enter the decorated function in AFTER under each of names."""

    def enter(function):
        for name in names:
            AFTER[name] = function
        return function

    return enter


class Finder:
    """Finds modules as the other finders do, and notes those of AFTER."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in AFTER:
            return None
        for finder in sys.meta_path:
            if finder is Finder or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                watch(spec.loader, name)
                return spec
        if name in SUPPLIED:
            from _frozen_importlib import ModuleSpec

            return ModuleSpec(name, Empty)
        return None


class Empty:
    """Loads a module of SUPPLIED."""

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        run(module.__name__, module)


def watch(loader, name):
    """Make loader call AFTER[name] once it has executed the module.

    The method is replaced on the one loader object, and only until it is used,
    so that the module sees the loader that it would have had.
    """
    if isinstance(loader, type) or not hasattr(loader, "__dict__"):
        return
    execute = loader.exec_module

    def exec_module(module):
        loader.__dict__.pop("exec_module", None)
        execute(module)
        if module.__name__ == name:
            run(name, module)

    loader.exec_module = exec_module


def run(name, module):
    """Call AFTER[name]; what goes wrong there is not the script's fault."""
    try:
        AFTER[name](module)
    except Exception as error:
        complain("%s left as it is: %s: %s" % (name, type(error).__name__, error))


def complain(text):
    if sys.stderr is not None:
        sys.stderr.write("xt: hook: " + " ".join(text.split()) + "\n")


# --- The seed of this process.
#
# The first process has the stage's seed itself, so that it computes what a
# script with that number written into it does. A child that multiprocessing
# starts has one that follows from the order in which its ancestors were
# started: if all had the same, workers would draw the same numbers.

STAGE_SEED = None  # unsigned, 64 bits
DETERMINISTIC = ""  # "on", "warn" or ""

place = ()  # numbers of the ancestors and of this process, each among its siblings
children = 0
entropy_source = None


def seed():
    """Return this process's seed: an unsigned 64-bit number."""
    value = STAGE_SEED
    for number in place:
        value = mix(value ^ mix(number))
    return value


def mix(number):
    """Scatter a 64-bit number: neighbours become unrelated (splitmix64)."""
    mask = (1 << 64) - 1
    number = (number + 0x9E3779B97F4A7C15) & mask
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & mask
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & mask
    return number ^ (number >> 31)


def entropy(bits):
    """Return bits of what NumPy would have asked the operating system for."""
    global entropy_source
    if entropy_source is None:
        import random

        entropy_source = random.Random(seed() << 64 | 1)
    return entropy_source.getrandbits(bits)


def count_child():
    global children
    children += 1


def enter_child():
    arrive(place + (children,))


def arrive(new_place):
    """Become the process at new_place.

    Only what is drawn from the operating system without xt is seeded anew: the
    state of NumPy and PyTorch is inherited by a fork, and stays so.
    """
    global place, children, entropy_source
    place, children, entropy_source = tuple(new_place), 0, None
    if "random" in sys.modules:
        sys.modules["random"].seed(seed())


# --- Libraries.

# Those for which there is nothing to do without a seed.
NEED_SEED = [
    "random",
    "numpy.random",
    "multiprocessing.spawn",
    "multiprocess.spawn",
    "loky.backend.spawn",
    "joblib.externals.loky.backend.spawn",
]


@after("random")
def seed_random(random):
    random.seed(seed())
    # Registered after random's own function, which seeds forked children from
    # the operating system, and so called after it.
    if hasattr(os, "register_at_fork") and not hasattr(seed_random, "registered"):
        seed_random.registered = True
        os.register_at_fork(before=count_child, after_in_child=enter_child)


@after("numpy.random")
def seed_numpy(numpy_random):
    for name in ("numpy.random.bit_generator", "numpy.random._bit_generator"):
        # The one place where SeedSequence, and through it default_rng(),
        # RandomState() and each bit generator, gets what nobody gave it.
        if hasattr(sys.modules.get(name), "randbits"):
            sys.modules[name].randbits = entropy
    numpy_random.seed(seed() & 0xFFFFFFFF)


@after("torch")
def seed_torch(torch):
    if STAGE_SEED is not None:
        # Also seeds CUDA and the other devices, when and if they are first used.
        torch.manual_seed(seed())
    if not DETERMINISTIC:
        return
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    mode = "warn" if DETERMINISTIC == "warn" else "error"
    if hasattr(torch, "set_deterministic_debug_mode"):
        # As use_deterministic_algorithms(), which for the sake of one setting
        # imports the compiler, seconds of it: TORCHINDUCTOR_DETERMINISTIC does that.
        torch.set_deterministic_debug_mode(mode)
    elif mode == "error":  # before 1.10 it could only refuse
        torch.use_deterministic_algorithms(True)


@after("tensorflow")
def seed_tensorflow(tensorflow):
    if STAGE_SEED is not None:
        random = tensorflow.random
        set_seed = getattr(random, "set_seed", None) or random.set_random_seed
        set_seed(seed() & 0x7FFFFFFF)
    if DETERMINISTIC == "on":
        enable = getattr(tensorflow.config.experimental, "enable_op_determinism", None)
        if enable is not None:  # before 2.8 TF_DETERMINISTIC_OPS does it
            enable()


@after(*NEED_SEED[2:])
def hand_down_place(spawn):
    """Tell children that start as fresh interpreters which one they are."""
    describe, prepare = spawn.get_preparation_data, spawn.prepare

    def get_preparation_data(*args, **kwargs):
        data = describe(*args, **kwargs)
        count_child()
        data["xt_place"] = place + (children,)
        return data

    def prepare_at(data, *args, **kwargs):
        if "xt_place" in data:
            arrive(data["xt_place"])
        return prepare(data, *args, **kwargs)

    spawn.get_preparation_data, spawn.prepare = get_preparation_data, prepare_at


@after("mlflow.pytorch")
def keep_pickle(pytorch):
    import _xt_mlflow

    _xt_mlflow.keep_pickle(pytorch)


@after("mlflow.llm")
def fill_llm(llm):
    import _xt_mlflow

    _xt_mlflow.fill_llm(llm)


@after("optuna.storages")
def keep_studies(storages):
    import _xt_optuna

    _xt_optuna.keep_studies(storages)


@after("optuna.trial")
def revive_suggestions(trial):
    import _xt_optuna

    _xt_optuna.revive(trial)


# --- Starting.


def start(file):
    """Do the work of the sitecustomize in file, which nothing may stop."""
    try:
        install()
    except Exception as error:
        complain("not seeded: %s: %s" % (type(error).__name__, error))
    hand_over(file)


def install():
    """Start watching imports, and see to the modules that are there already."""
    global STAGE_SEED, DETERMINISTIC
    if Finder in sys.meta_path:
        return
    DETERMINISTIC = os.environ.get("XT_DETERMINISTIC", "")
    text = os.environ.get("XT_SEED", "")
    if text:
        STAGE_SEED = int(text) & ((1 << 64) - 1)
    else:
        for name in NEED_SEED:
            AFTER.pop(name, None)
    sys.meta_path.insert(0, Finder)
    for name in list(AFTER):
        if name in sys.modules:
            run(name, sys.modules[name])


# The files of the sitecustomize modules that were run.
chained = set()


def hand_over(file):
    """Run the sitecustomize that Python would have found without the one in file.

    From then on it is what "import sitecustomize" gives, as without xt. What it
    raises is reported by Python's site module, in its own words.
    """
    from _frozen_importlib import module_from_spec

    chained.add(file)
    spec = next_spec(file)
    if spec is None:
        return
    chained.add(spec.origin)
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def next_spec(file):
    """Return where the next sitecustomize is that was not run yet, or None.

    Another tool that chains as this one does would find this one again, and so
    on for ever, if each ran what had been run.
    """
    from _frozen_importlib_external import PathFinder

    here = os.path.dirname(file)
    path = [entry for entry in sys.path if entry != here]
    while path:
        spec = PathFinder.find_spec("sitecustomize", path)
        if spec is None or not spec.has_location or spec.origin not in chained:
            return spec if spec is not None and spec.has_location else None
        path = path[1:]
    return None
