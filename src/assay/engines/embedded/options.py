"""How the engine is set up: one set of options, the same on every command line that passes it on."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal, get_args

Precision = Literal["auto", "bf16", "f32"]


@dataclass(frozen=True, slots=True)
class ComputeOptions:
    """Precision is that of weights' arithmetic and of the KV cache; `auto` is for the server's machine to settle."""

    precision: Precision = "auto"
    threads: int = 0  # 0: as many as OpenVINO chooses
    cache_gb: int = 2  # GiB of KV cache
    max_num_seqs: int = 256
    max_num_batched_tokens: int = 512

    def settled(self, cores: int, bf16: bool) -> ComputeOptions:
        """With the precision that `auto` is on `cores` cores that have bf16, or don't: the faster that works."""
        if self.precision != "auto":
            return self
        fast = replace(self, precision="bf16")
        return replace(self, precision="f32") if fast.refusal(cores, bf16) else fast

    def refusal(self, cores: int, bf16: bool) -> str | None:
        """Why OpenVINO can't compute so on `cores` cores that have bf16, or don't; None if it can.

        With one thread it divides by zero in bf16: https://github.com/openvinotoolkit/openvino/issues/33300
        More threads than cores don't help, it takes the cores.
        """
        if self.precision != "bf16":
            return None
        if not bf16:
            return (
                "this CPU has no AVX512-BF16, without which OpenVINO computes in f32 only: set precision to f32, or to "
                "auto, which is bf16 on CPUs that have it"
            )
        if min(self.threads or cores, cores) > 1:
            return None
        return (
            "with one thread OpenVINO computes in f32 only (in bf16 it dies from a division by zero): set "
            "precision to f32 or auto, or let it have two threads on two cores"
        )

    def arguments(self) -> list[str]:
        """These options as command-line arguments that `from_arguments` reads back."""
        return [text for name, value in asdict(self).items() for text in (_flag(name), str(value))]

    @staticmethod
    def add_to(parser: argparse.ArgumentParser) -> None:
        """Let `parser` accept every option, with its default."""
        defaults = ComputeOptions()
        parser.add_argument(
            "--precision",
            choices=get_args(Precision),
            default=defaults.precision,
            help="auto: bf16 where the CPU has it, else f32 (default %(default)s)",
        )
        for name, lowest, text in (
            ("threads", 0, "CPU threads; 0: all that OpenVINO finds"),
            ("cache_gb", 1, "GiB for the KV cache"),
            ("max_num_seqs", 1, "requests in a batch at most"),
            ("max_num_batched_tokens", 1, "tokens in a step at most"),
        ):
            parser.add_argument(
                _flag(name),
                type=_whole_number(lowest),
                default=getattr(defaults, name),
                help=f"{text} (default %(default)s)",
            )

    @staticmethod
    def from_arguments(parsed: argparse.Namespace) -> ComputeOptions:
        """The options that a parser prepared by `add_to` has read."""
        return ComputeOptions(**{field.name: getattr(parsed, field.name) for field in fields(ComputeOptions)})


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


class _whole_number:  # noqa: N801 - named as argparse shows it in its messages
    def __init__(self, lowest: int) -> None:
        self._lowest = lowest
        self.__name__ = f"whole number of at least {lowest}"

    def __call__(self, text: str) -> int:
        value = int(text)
        if value < self._lowest:
            raise ValueError
        return value
