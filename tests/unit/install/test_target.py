"""What a bundle is for, in the words of wheels' names."""

from __future__ import annotations

import pytest
from packaging.tags import sys_tags

from assay.errors import UserError
from assay.install import Target


def test_a_target_is_read_as_it_is_written() -> None:
    target = Target.parse("cp312-manylinux_2_28_aarch64")
    assert target == Target(12, 28, "aarch64")
    assert str(target) == "cp312-manylinux_2_28_aarch64"


@pytest.mark.parametrize("text", ["", "cp312", "cp312-win_amd64", "pp310-manylinux_2_28_x86_64", "cp312-linux_x86_64"])
def test_another_target_is_refused_with_one_that_would_do(text: str) -> None:
    with pytest.raises(UserError, match="such as cp311-manylinux_2_28_x86_64"):
        Target.parse(text)


def test_older_names_of_the_same_platform_are_among_it() -> None:
    names = Target(11, 18, "x86_64").platforms
    assert names[:3] == ["manylinux_2_18_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    assert "manylinux_2_28_x86_64" not in names


def test_this_machine_takes_the_wheels_that_it_would_take_anyway() -> None:
    here = Target.here()
    own = {tag.platform for tag in sys_tags() if tag.interpreter == f"cp3{here.python}"}
    assert own - {"any"} <= set(here.platforms)


def test_a_machine_without_glibc_is_told_to_name_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    with pytest.raises(UserError, match="--for cp311"):
        Target.here()
