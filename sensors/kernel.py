"""The one place where a function is compiled: numba behind a typed decorator."""

import enum
import hashlib
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile `function` to machine code on its first call and keep the result on disk.

    The body must be plain loops over numpy arrays. Integer overflow wraps and division by zero is IEEE, as in C.
    `compiled(f).py_func` is the uncompiled function, for tests.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = _Cache(function)
    return cast(Function, dispatcher)


class _Cache(FunctionCache):  # type: ignore[misc]
    """Machine code on disk that is used only while everything compiled into it is as it was.

    numba itself looks at the file of one function. The code of the functions it calls, and the values of the globals
    these read, are compiled into it too: change one of them alone and numba would go on running the old code.
    """

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), fingerprint(self._py_func))


def fingerprint(function: Callable[..., Any]) -> str:
    """A hash of a function, of all compiled functions it reaches, and of all constants these read."""
    digest = hashlib.sha256()
    todo, seen = [function], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        code = one.__code__
        constants = [constant for constant in code.co_consts if not isinstance(constant, CodeType)]
        digest.update(repr((one.__module__, one.__qualname__, code.co_code, constants, code.co_names)).encode())
        for name, value in _globals(one):
            if hasattr(value, "py_func"):
                todo.append(value.py_func)
            else:
                digest.update(name.encode() + _content(value))
    return digest.hexdigest()


def _globals(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    space = function.__globals__
    return ((name, space[name]) for name in function.__code__.co_names if name in space)


def _content(value: Any) -> bytes:
    """What of a global can end in machine code; nothing of a module."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return repr([(member.name, member.value) for member in value]).encode()
    if isinstance(value, type):
        return repr(vars(value).get("_fields", ())).encode()  # of a named tuple
    return repr(value).encode() if isinstance(value, int | float | str | bytes | tuple) else b""


def inlined(function: Function) -> Function:
    """Compile `function` into the compiled functions that call it: for a few lines that a hot loop needs often.

    Numba would otherwise pass every array of a call on the stack, which costs more than a small function does.
    """
    return cast(Function, numba.njit(nogil=True, error_model="numpy", inline="always")(function))
