"""What is done once, before any clock starts: the data set, its token ids, the request bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.benchmarks import Benchmark
from assay.campaign.counting import served_context, server_counter
from assay.campaign.kept_counts import KeepingCounter, KeptCounts
from assay.campaign.pacing import check_loads, timetable_of
from assay.campaign.warmup_prompts import WarmupPrompt, how_many, warmup_prompts
from assay.config import Config
from assay.datasets import Dataset, Sample, TokeniserCounter, load_dataset
from assay.datasets.lengths import TokenCounter
from assay.datasets.live import with_places
from assay.datasets.tokenise import PromptTokeniser, check_lengths
from assay.engines import build_engine
from assay.engines.embedded import bundled_tokenizer
from assay.errors import UserError
from assay.load.bodies import write_bodies
from assay.load.encoders import Prompt, encoder_of
from assay.load.encoders.prompt import Turn
from assay.load.history import placeholder
from assay.runs.api import ApiFacts
from assay.runs.shapes import is_live
from assay.serving.needs import TokenizerFiles

_SHORT_ANSWER = 16
_CARRIES = {"ids": "token ids", "text": "text"}


@dataclass(eq=False)
class Prepared:
    """Everything about the workload that runs share. Paths lie in a scratch folder.

    The bodies are written in the form that `api` says, once more where another is learnt from the servers.
    """

    benchmark: Benchmark
    dataset: Dataset
    tokeniser: PromptTokeniser | None
    tokenizer_json: Path | None
    bodies: Path
    prompt_tokens: Path
    timetable: Path
    warmup_prompts: int
    limits: list[int]
    """The longest answer of each prompt, tokens."""
    model_files: dict[str, str]
    prompts: list[Prompt]
    """The samples', then the warm-up's; where there is a warm-up, the last asks for a short answer."""
    live: list[Prompt]
    """The samples' with places for the server's own answers, where a load asks for such; else empty."""
    api: ApiFacts

    @property
    def live_bodies(self) -> Path:
        return self.bodies.with_name("live.bin")

    def encode(self, model: str, api: ApiFacts) -> None:
        """Write the bodies of all prompts, and their lengths."""
        self.api = api
        encoder = encoder_of(model, api, self.benchmark.sampling)
        write_bodies(self.bodies, (encoder.body(p, most) for p, most in zip(self.prompts, self.limits, strict=True)))
        np.save(self.prompt_tokens, np.asarray([prompt.length for prompt in self.prompts], dtype=np.int32))
        if not self.live:
            return
        if api.form != "chat":
            raise UserError(
                f"campaign.loads: history: live needs messages, and requests carry {_CARRIES[api.form]}: set "
                "engine.api.form to chat, or leave history out, and turns carry what the data set gives"
            )
        talks = self.live + self.prompts[len(self.live) :]
        write_bodies(self.live_bodies, (encoder.body(p, most) for p, most in zip(talks, self.limits, strict=True)))

    @property
    def eos_id(self) -> int | None:
        return next(iter(self.benchmark.stop_token_ids), None)

    @property
    def answer_limits(self) -> list[int]:
        """The longest answer of each sample, tokens."""
        return self.limits[: len(self.dataset)]

    @property
    def max_tokens(self) -> int:
        """The longest answer that any sample may have, tokens."""
        return max(self.answer_limits)

    def decode(self, ids: Sequence[int]) -> str:
        """Answer text. Raises UserError where no tokenizer is known."""
        if self.tokeniser is None:
            raise UserError("scoring needs the model's tokenizer: set tokenizer to the model's folder")
        return self.tokeniser.decode(ids)


def prepare(
    config: Config,
    benchmark: Benchmark,
    model: str,
    scratch: Path,
    say: Callable[[str], None],
    kept: KeptCounts | None = None,
) -> Prepared:
    """Read, tokenise and encode the benchmark's workload for `model` (the name that requests carry).

    What a server says of its prompts' tokens is taken from `kept`, and what isn't there yet is kept there. Raises
    UserError where the data set or the tokenizer is missing or doesn't fit.
    """
    tokenizer_json, tokeniser, model_files = tokeniser_of(config, benchmark, say)
    counter = TokeniserCounter(tokeniser) if tokeniser else _server_counter(config, kept)
    asks = tokeniser is None and counter is not None and kept in (None, KeptCounts())
    if asks and config.dataset.synthetic is not None:
        say("asking the server how many tokens prompts have")  # a server that hangs is noticed here first
    dataset = load_dataset(benchmark, config.dataset, counter)
    say(f"data set {dataset.name}: {len(dataset):,} of {dataset.total:,} samples, sha256 {dataset.sha256[:12]}")
    if dataset.note:
        say(f"data set {dataset.name}: {dataset.note}")
    check_workload(config, benchmark, dataset, tokenizer=tokeniser is not None)
    engine = build_engine(config.engine)
    prompts = [_prompt(benchmark, tokeniser, sample, any_form=engine.api is not None) for sample in dataset.samples]
    known = [prompt.length for prompt in prompts if prompt.ids is not None]
    if len(known) == len(prompts):
        limits = [sample.max_tokens for sample in dataset.samples]
        try:
            check_lengths(benchmark, known, limits, served_context(config))
        except UserError as error:
            if benchmark.context_limit is not None:
                raise
            say(f"{error} The server decides what becomes of them.")  # prompts of the user's own may be too long
    answers = [sample.max_tokens or benchmark.max_new_tokens for sample in dataset.samples]
    warmup = _warmup(config, benchmark, prompts, answers, tokeniser)
    timetable_of(dataset.samples).write(scratch / "timetable.npy")
    prepared = Prepared(
        benchmark=benchmark,
        dataset=dataset,
        tokeniser=tokeniser,
        tokenizer_json=tokenizer_json,
        bodies=scratch / "bodies.bin",
        prompt_tokens=scratch / "prompt_tokens.npy",
        timetable=scratch / "timetable.npy",
        warmup_prompts=max(0, len(warmup) - 1),
        limits=answers + [most for _, most in warmup],
        model_files=model_files,
        prompts=prompts + [prompt for prompt, _ in warmup],
        live=_live(config, dataset),
        api=ApiFacts(
            form="ids",
            min_tokens=benchmark.min_new_tokens if engine.takes.min_tokens else None,
            return_token_ids=engine.takes.return_token_ids,
        ),
    )
    if engine.api is None:  # else it is written once the servers have told what they take
        prepared.encode(model, prepared.api)
    return prepared


def check_workload(config: Config, benchmark: Benchmark, dataset: Dataset, *, tokenizer: bool) -> None:
    """Raises UserError where the samples can't give what a load or the engine needs; `tokenizer`: whether one is known.

    An engine whose API is known beforehand takes token ids alone.
    """
    check_loads(config.campaign.loads, dataset)
    if tokenizer or build_engine(config.engine).api is not None:
        return
    if not all(_has_ids(benchmark, sample) for sample in dataset.samples):
        raise UserError(
            f"{benchmark.name}: the data set has no token ids for this model and no tokenizer is known: "
            "set tokenizer to the model's folder"
        )


def _server_counter(config: Config, kept: KeptCounts | None) -> TokenCounter | None:
    counter = server_counter(config)
    return KeepingCounter(counter, KeptCounts() if kept is None else kept) if counter is not None else None


def _warmup(
    config: Config,
    benchmark: Benchmark,
    prompts: Sequence[Prompt],
    limits: Sequence[int],
    tokeniser: PromptTokeniser | None,
) -> list[WarmupPrompt]:
    """The warm-up's prompts, and the first of them again with a short answer; none where there is no warm-up."""
    count = how_many(config, [prompt.length for prompt in prompts])
    made = warmup_prompts(benchmark, prompts, limits, tokeniser, count)
    return made + [WarmupPrompt(prompt, min(most, _SHORT_ANSWER)) for prompt, most in made[:1]]


def _live(config: Config, dataset: Dataset) -> list[Prompt]:
    if not any(is_live(shape) for shape in config.campaign.loads):
        return []
    if any(sample.prompt is None and sample.messages is None for sample in dataset.samples):
        raise UserError("campaign.loads: history: live needs messages, and the data set has token ids alone")
    return [Prompt(messages=_turns(sample)) for sample in with_places(dataset.samples, placeholder)]


def _turns(sample: Sample) -> list[Turn]:
    return [{"role": turn.role, "content": turn.content} for turn in sample.messages or ()]


def tokeniser_of(
    config: Config, benchmark: Benchmark, say: Callable[[str], None]
) -> tuple[Path | None, PromptTokeniser | None, dict[str, str]]:
    """The served model's tokenizer.json, what it does, and the model's files by SHA-256; None where none is known.

    Raises UserError where it is missing or can't be read.
    """
    files = _tokenizer_files(config, benchmark, say)
    if files is None:
        return None, None, {}
    file = files.folder / "tokenizer.json"
    chat, tidy = benchmark.use_chat_template, benchmark.clean_up_spaces
    if files.settings is None:
        return file, PromptTokeniser.from_model_folder(files.folder, chat, tidy), dict(files.sha256s)
    template = files.settings.chat_template if chat else None
    tokeniser = PromptTokeniser(file, template, dict(files.settings.special_tokens), tidy)
    return file, tokeniser, dict(files.sha256s)


def _tokenizer_files(config: Config, benchmark: Benchmark, say: Callable[[str], None]) -> TokenizerFiles | None:
    """The user's, else the engine's, else the one that comes with assay where the benchmark is of that model."""
    if config.tokenizer is not None:
        return TokenizerFiles(config.tokenizer.parent if config.tokenizer.is_file() else config.tokenizer)
    if (known := build_engine(config.engine).tokenizer(say)) is not None:
        return known
    return bundled_tokenizer(say) if benchmark.model_family == "smollm2-135m" else None


def _prompt(benchmark: Benchmark, tokeniser: PromptTokeniser | None, sample: Sample, *, any_form: bool) -> Prompt:
    """The sample's prompt; as token ids alone, unless the server may take `any_form`."""
    ids = _prompt_ids(benchmark, tokeniser, sample)
    if not any_form:
        return Prompt(ids)
    turns = _turns(sample)
    text = sample.prompt
    if ids is not None and tokeniser is not None and (text is None or benchmark.use_chat_template):
        text = tokeniser.decode(ids.tolist(), skip_special=False)
    if not turns and sample.prompt is not None:
        turns = [{"role": "user", "content": sample.prompt}]
    return Prompt(ids, text, turns or None)


def _has_ids(benchmark: Benchmark, sample: Sample) -> bool:
    # A file's ids belong to the tokenizer that MLPerf used; a benchmark with a chat template has its own.
    return sample.tok_input is not None and not benchmark.use_chat_template


def _prompt_ids(
    benchmark: Benchmark, tokeniser: PromptTokeniser | None, sample: Sample
) -> NDArray[np.int32] | None:  # fmt: skip
    if _has_ids(benchmark, sample):
        return sample.tok_input
    if tokeniser is None:
        return None
    encoded = (
        tokeniser.encode_messages(sample.messages) if sample.messages else tokeniser.encode_prompt(sample.prompt or "")
    )
    return np.asarray(encoded, dtype=np.int32)
