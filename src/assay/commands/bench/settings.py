"""The options as the configuration that `assay run` would take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import yaml

from assay.commands.bench.loads import loads_of, seconds_of
from assay.commands.bench.served import model_settings
from assay.errors import UserError
from assay.runs import write_text
from assay.serving.connection import base_url

_LOAD_OPTIONS = (
    "concurrency", "rate", "arrivals", "burstiness", "ramp", "trace", "sessions", "spread", "requests", "duration",
)  # fmt: skip
_LENGTH = re.compile(r"(\d+)|(\d+):(\d+)|(\d+(?:\.\d+)?)~(\d+(?:\.\d+)?)")


async def settings_of(urls: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What `assay.yaml` would say for `assay bench`; see `served_settings`."""
    loads = loads_of(**{name: options[name] for name in _LOAD_OPTIONS})
    return await served_settings(urls, options, "bench", {"kind": "bench", "loads": loads})


async def served_settings(
    urls: tuple[str, ...], options: dict[str, Any], name: str, campaign: dict[str, Any]
) -> dict[str, Any]:
    """What `assay.yaml` would say of a campaign on a server at `urls`; asks it which models it serves.

    Raises UserError where an option can't be read, AssayError where the server has to be asked and doesn't answer.
    """
    engine, dataset = _engine(urls, options), _dataset(options)
    engine |= await model_settings(urls[0], engine, options["model"])
    campaign = campaign | _given(options, repeats="repeats", seed="seed")
    settings: dict[str, Any] = {"name": name, "benchmark": "own-prompts", "engine": engine}
    settings |= {"dataset": dataset, "campaign": campaign}
    if options["tokenizer"]:
        settings["tokenizer"] = str(options["tokenizer"])
    if options["slo"]:
        settings["slo"] = _slo(options["slo"])
    if load := _warmup(options):
        settings["load"] = load
    if options["results"]:
        settings["output"] = str(options["results"])
    return settings


def _warmup(options: dict[str, Any]) -> dict[str, Any]:
    found = _given(options, warmup_prompts="warmup")
    if options["warmup_limit"] is not None:
        found["warmup_limit_s"] = seconds_of("--warmup-limit", options["warmup_limit"])
    return found


def write_settings(settings: dict[str, Any], path: Path) -> str:
    """Write the configuration, over no file that is there. Raises UserError."""
    if path.exists():
        raise UserError(f"--save {path}: exists already; name another file")
    try:
        write_text(path, yaml.safe_dump(settings, sort_keys=False))
    except OSError as error:
        raise UserError(f"--save {path}: can't be written: {error.strerror or error}") from None
    return f"{path}: written; `assay run {path}` measures the same"


def _engine(urls: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    _check_urls(urls)
    engine: dict[str, Any] = {"kind": "external", "endpoints": [{"url": url} for url in urls]}
    if options["headers"]:
        engine["headers"] = dict(_header(text) for text in options["headers"])
    engine |= _given(options, api_key_env="api_key_env", proxy="proxy")
    if options["ca_file"]:
        if not options["ca_file"].is_file():
            raise UserError(f"--ca-file {options['ca_file']}: no such file")
        engine["ca_file"] = str(options["ca_file"])
    if options["no_verify_tls"]:
        engine["verify_tls"] = False
    api: dict[str, Any] = {} if options["api"] == "auto" else {"form": options["api"]}
    if options["prompts"] is None:
        api["ignore_eos"] = True  # made prompts ask for no end of their own; left out where the server refuses it
    if options["no_done"]:
        api["needs_done"] = False
    if options["extra_body"]:
        api["extra_body"] = _extra(options["extra_body"])
    return engine | ({"api": api} if api else {})


def _check_urls(urls: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for url in urls:
        try:
            plain = base_url(url)
        except ValueError as error:
            raise UserError(str(error)) from None
        if plain in seen:
            raise UserError(f"{plain} is there twice: give each endpoint once; --concurrency sends it more at once")
        seen.add(plain)


def _dataset(options: dict[str, Any]) -> dict[str, Any]:
    given = [name for name in ("input_tokens", "output_tokens", "prefix") if options[name] is not None]
    if options["prompts"] is None:
        synthetic: dict[str, Any] = {
            "input": _lengths("--input", options["input_tokens"] or "512"),
            "output": _lengths("--output", options["output_tokens"] or "128"),
        }
        if options["prefix"] is not None:
            _check_room(options["prefix"], synthetic["input"])
            synthetic["prefix"] = {"tokens": options["prefix"]}
        if options.get("sessions") or options.get("trace"):
            raise UserError("--sessions and --trace take conversations and times from a file: give --prompts FILE")
        return {"synthetic": synthetic, "seed": options["seed"]}
    if "input_tokens" in given or "prefix" in given:
        raise UserError("--prompts brings its own lengths: leave --input and --prefix out")
    dataset: dict[str, Any] = {"path": options["prompts"]}
    if options["output_tokens"] is not None:
        dataset["max_tokens"] = _whole("--output", options["output_tokens"])
    return dataset | ({"sessions": True} if options.get("sessions") else {})


def _lengths(option: str, text: str) -> Any:
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{option} {text}: write 512, LOW:HIGH (uniform) or MEAN~STD (lognormal)")
    fixed, low, high, mean, std = match.groups()
    if fixed is not None:
        if int(fixed) < 1:
            raise UserError(f"{option} {text}: must be at least 1 token")
        return int(fixed)
    if low is not None:
        if not 1 <= int(low) <= int(high):
            raise UserError(f"{option} {text}: write LOW:HIGH, of at least 1 token, the lower number first")
        return {"low": int(low), "high": int(high)}
    if not (float(mean) > 0 and float(std) > 0):
        raise UserError(f"{option} {text}: write MEAN~STD, both above 0")
    return {"mean": float(mean), "std": float(std)}


def _check_room(prefix: int, lengths: Any) -> None:
    """A drawn length without a lower end can still be too short: that is told where the prompts are made."""
    shortest = lengths if isinstance(lengths, int) else lengths.get("low")
    if shortest is not None and prefix >= shortest:
        raise UserError(f"--prefix {prefix}: leaves no room in a prompt of {shortest} tokens; raise --input above it")


def _whole(option: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{option} {text}: with --prompts write one number, the longest answer in tokens")
    return int(text)


def _header(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        shown = name.partition(":")[0] if not sign else text  # `Authorization: Bearer …` is a secret already
        raise UserError(f"--header {shown}: write NAME=VALUE, or NAME=env:VARIABLE for a secret")
    if value.startswith("env:"):
        return name.strip(), {"env": value.removeprefix("env:")}
    return name.strip(), value


def _extra(text: str) -> dict[str, Any]:
    try:
        orjson.loads(text)  # stricter than the standard library's reader, which alone keeps whole numbers of any size
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"--extra-body: no JSON: {error}") from None
    if not isinstance(value, dict):
        raise UserError('--extra-body: write a JSON object, such as {"top_k": 1}')
    return value


def _slo(text: str) -> dict[str, Any]:
    from assay.runs.slo import parse_slo

    try:
        parse_slo(text)
    except ValueError as error:
        raise UserError(f"--slo {text}: {error}") from None
    return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in text.split(","))}


def _given(options: dict[str, Any], **names: str) -> dict[str, Any]:
    return {key: options[name] for key, name in names.items() if options[name] is not None}
