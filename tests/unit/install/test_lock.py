"""Which locked packages a bundle holds: those that are needed there, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import UserError
from assay.install import Target
from assay.install.lock import chosen, lock_file, read_engine_lock, read_lock
from assay.install.own_wheel import own_wheel

LOCK = """\
# made by hand
alpha==1.0 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via assay (pyproject.toml)
beta==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:{a}
    # via
    #   alpha
    #   tool
beta==2.1 ; python_full_version >= '3.12' \\
    --hash=sha256:{b}
    # via
    #   alpha
    #   tool
gamma==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:{a}
    # via alpha
delta==4.0 \\
    --hash=sha256:{a}
    # via beta
tool==5.0 \\
    --hash=sha256:{a}
    # via assay (pyproject.toml:dev)
""".format(a="a" * 64, b="b" * 64)
NEEDS = ["Alpha>=1", "tool; extra == 'more'", "absent; extra == 'huge'"]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "dev.lock"
    path.write_text(LOCK)
    return path


def names(lock: Path, python: int, *extras: str) -> list[str]:
    return [each.line.split(" ")[0] for each in chosen(read_lock(lock), NEEDS, extras, Target(python, 28, "x86_64"))]


def test_what_is_needed_in_turn_comes_along_and_nothing_else(lock: Path) -> None:
    assert names(lock, 11) == ["alpha==1.0", "beta==2.0", "delta==4.0"]


def test_the_targets_own_version_is_taken(lock: Path) -> None:
    assert names(lock, 12) == ["alpha==1.0", "beta==2.1", "delta==4.0"]


def test_an_extra_brings_its_own(lock: Path) -> None:
    assert names(lock, 11, "more") == ["alpha==1.0", "beta==2.0", "delta==4.0", "tool==5.0"]


def test_an_extra_that_is_not_locked_is_named(lock: Path) -> None:
    with pytest.raises(UserError, match="absent: not in the lock"):
        names(lock, 11, "huge")


def test_every_hash_is_kept(lock: Path) -> None:
    assert read_lock(lock)[0].line == f"alpha==1.0 --hash=sha256:{'a' * 64} --hash=sha256:{'b' * 64}"


def test_a_lock_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="locked packages can't be read"):
        read_lock(tmp_path / "none")


def test_an_engines_lock_is_taken_whole_for_its_target(lock: Path) -> None:
    found = [each.name for each in read_engine_lock(lock, Target(11, 28, "x86_64"))]
    assert found == ["alpha", "beta", "delta", "tool"]


def test_hashes_may_stand_on_the_packages_own_line(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(f"--index-url https://nowhere\nalpha==1.0 --hash=sha256:{'a' * 64}\n")
    (found,) = read_engine_lock(tmp_path / "lock", Target(11, 28, "x86_64"))
    assert found.line == f"alpha==1.0 --hash=sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alpha==1.0\n", "alpha has no hash or no version"),
        (f"alpha>=1.0 --hash=sha256:{'a' * 64}\n", "alpha has no hash or no version"),
        ("alpha ==== 1\n", "lock:1: .*is no locked package"),
        ("# nothing\n", "no package in it is for cp311"),
    ],
)
def test_an_engines_lock_that_locks_nothing_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(text)
    with pytest.raises(UserError, match=words):
        read_engine_lock(tmp_path / "lock", Target(11, 28, "x86_64"))


@pytest.mark.parametrize("python", [11, 12, 13])
def test_the_own_lock_holds_what_assay_needs(python: int) -> None:
    found = chosen(read_lock(lock_file()), own_wheel().requirements, ("embedded", "ssh"), Target(python, 28, "x86_64"))
    there = {str(each.name) for each in found}
    assert {"numpy", "mlcommons-loadgen", "openvino", "asyncssh", "cffi"} <= there
    assert not there & {"pytest", "mkdocs", "aiohttp", "pywin32"}
    assert all(each.hashes for each in found)
