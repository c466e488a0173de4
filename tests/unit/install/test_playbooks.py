"""What `assay export ansible` writes: Ansible accepts it, and what it says of its variables is true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.ansible import ansible, require_ansible

from assay.cluster.options import LocalOptions, SshOptions
from assay.commands.main import main
from assay.deploy.export import write_files
from assay.errors import UserError
from assay.install.playbooks import ansible_files

ROLE = "roles/assay_node"
NODES = [
    {"name": "gpu1", "address": "10.0.0.1", "port": 2222, "jump": "me@gate"},
    {"name": "gpu2", "user": "other", "python": "/opt/a b/bin/python"},
]
CLUSTER = SshOptions.model_validate({"launcher": "ssh", "user": "bench", "known_hosts": "/site/known", "nodes": NODES})
PLAYBOOKS = ("check.yml", "collect.yml", "remove.yml", "run.yml", "site.yml")


def exported(*overrides: str) -> dict[str, str]:
    return ansible_files(CLUSTER, Path("/site/assay.yaml"), Path("results"), overrides)


def tasks_of(found: Any) -> list[dict[str, Any]]:
    """The tasks of a file, those of blocks and plays among them."""
    tasks: list[dict[str, Any]] = []
    for entry in found:
        inner = entry.get("block") or entry.get("tasks")
        tasks += tasks_of(inner) if inner else [entry] if "hosts" not in entry else []
    return tasks


def test_the_inventory_enters_each_node_as_the_configuration_does() -> None:
    groups = yaml.safe_load(exported()["inventory.yml"])["assay"]["children"]
    assert groups["assay_nodes"]["hosts"] == {
        "gpu1": {
            "ansible_host": "10.0.0.1",
            "ansible_user": "bench",
            "ansible_port": 2222,
            "ansible_ssh_common_args": "-J me@gate -oUserKnownHostsFile=/site/known",
            "assay_node_folder": ".local/share/assay",
        },
        "gpu2": {
            "ansible_host": "gpu2",
            "ansible_user": "other",
            "ansible_ssh_common_args": "-oUserKnownHostsFile=/site/known",
            "assay_node_folder": "/opt/a b",
        },
    }
    assert list(groups["assay_controller"]["hosts"]) == ["localhost"]


def test_what_was_set_reaches_assay_as_it_is_and_is_no_template() -> None:
    text = exported("name={{ lookup('pipe', 'id') }}", "load.warmup_prompts=2")["group_vars/assay.yml"]
    assert "- !unsafe \"name={{ lookup('pipe', 'id') }}\"" in text
    assert "- load.warmup_prompts=2" in text
    known = yaml.safe_load(exported("load.warmup_prompts=2")["group_vars/assay.yml"])
    assert known["assay_settings"] == ["--set", "load.warmup_prompts=2"]
    assert (known["assay_folder"], known["assay_config"], known["assay_results"]) == ("/site", "assay.yaml", "results")
    assert "assay_node_package" not in known, "a public index's package of that name may be anybody's"


def test_each_variable_of_the_role_is_specified_with_the_default_that_it_has_and_used() -> None:
    files = exported()
    defaults = yaml.safe_load(files[f"{ROLE}/defaults/main.yml"])
    specs = yaml.safe_load(files[f"{ROLE}/meta/argument_specs.yml"])["argument_specs"]
    assert {name: option["default"] for name, option in specs["main"]["options"].items()} == defaults
    assert specs["remove"]["options"] == specs["main"]["options"]
    tasks = "".join(text for name, text in files.items() if "/tasks/" in name or "/vars/" in name)
    assert [name for name in defaults if not re.search(rf"\b{name}\b", tasks)] == []
    known = set(yaml.safe_load(files["group_vars/assay.yml"]))
    plays = "".join(files[name] for name in PLAYBOOKS)
    assert [name for name in known - set(defaults) if not re.search(rf"\b{name}\b", plays)] == []


def test_only_builtin_modules_are_used() -> None:
    used = set()
    for name, text in exported().items():
        if name in PLAYBOOKS or "/tasks/" in name:
            used |= {key for task in tasks_of(yaml.safe_load(text)) for key in task if "." in key}
            assert all(any("." in key for key in task) for task in tasks_of(yaml.safe_load(text))), name
    assert used
    assert all(key.startswith("ansible.builtin.") for key in used), used


def test_other_launchers_are_refused() -> None:
    with pytest.raises(UserError, match="not local"):
        ansible_files(LocalOptions(launcher="local"), Path("assay.yaml"), Path("results"))


def test_ansible_and_its_linter_accept_what_the_command_writes(tmp_path: Path) -> None:
    require_ansible()
    cluster = CLUSTER.model_dump(mode="json", exclude_none=True)
    (tmp_path / "assay.yaml").write_text(yaml.safe_dump({"engine": {"kind": "simulated"}, "cluster": cluster}))
    folder, home = tmp_path / "out", tmp_path / "home"
    words = ["export", "ansible", str(tmp_path / "assay.yaml"), "--set", "output='{{ x }}'", "--output", str(folder)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    home.mkdir()
    ansible("ansible-lint", "--offline", "--profile", "production", folder=folder, home=home)
    ansible("ansible-playbook", "--syntax-check", *PLAYBOOKS, folder=folder, home=home)


def test_nothing_is_installed_by_a_name_that_nobody_gave(tmp_path: Path) -> None:
    require_ansible()
    folder, home = tmp_path / "out", tmp_path / "home"
    home.mkdir()
    write_files(exported(), folder)
    here = {"node": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    (folder / "here.json").write_text(json.dumps({"assay": {"children": {"assay_nodes": {"hosts": here}}}}))
    with pytest.raises(AssertionError, match="Set assay_node_bundle to a file of `assay bundle`"):
        ansible("ansible-playbook", "-i", "here.json", "--check", "site.yml", folder=folder, home=home)
