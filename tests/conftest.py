"""For all tests.

A shell without job control starts what it puts into the background with SIGINT ignored, and children inherit that.
Tests that interrupt assay need it as a terminal's user has it.

Hypothesis' deadline of 200 ms an example would fail a property on a machine that is busy for a moment.
"""

import asyncio
import importlib.util
import inspect
import signal

import pytest

if importlib.util.find_spec("hypothesis"):  # TorchX's tests have an environment of their own, without it
    from hypothesis import settings

    settings.register_profile("assay", deadline=None)
    settings.load_profile("assay")
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
