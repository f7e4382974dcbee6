"""The one place where a function is compiled: numba behind a typed decorator."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile `function` to machine code on its first call and keep the result on disk.

    The body must be plain loops over numpy arrays. Integer overflow wraps and division by zero is IEEE, as in C.
    `compiled(f).py_func` is the uncompiled function, for tests.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
