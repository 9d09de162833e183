"""xt's start-up hook: Python runs it because its directory is first on PYTHONPATH."""

import sys

if sys.version_info >= (3, 6):
    # The hook is compiled once, whatever the user says about bytecode: this
    # directory is xt's own, and compiling takes longer than all the rest.
    _kept, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        import _xt_hook
    finally:
        sys.dont_write_bytecode = _kept
    _xt_hook.start(__file__)
