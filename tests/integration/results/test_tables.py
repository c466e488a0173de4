"""What was measured, for other tools: every row, every figure with its interval, in Arrow, CSV and Parquet."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import UserError
from assay.results import load_campaign, write_tables
from assay.results.files import _flat
from assay.runs import (
    REQUESTS_SCHEMA,
    CampaignFolder,
    RunFolder,
    TelemetryJournal,
    read_campaign,
    read_requests,
    read_result,
    write_telemetry,
)


def ids(campaign: CampaignFolder) -> list[str]:
    return [entry.run or "" for entry in read_campaign(campaign).runs]


def sample(run: RunFolder, value: float) -> None:
    """Give a run one sample of telemetry."""
    journal = run.path / "telemetry.arrows"
    writing = TelemetryJournal(journal)
    writing.add("node-a", "power_w", 1, value)
    writing.close()
    write_telemetry(journal, run.telemetry)


def test_a_run_without_telemetry_has_no_table_of_it(campaign: CampaignFolder, tmp_path: Path) -> None:
    copy = CampaignFolder(tmp_path / "copy")
    shutil.copytree(campaign.path, copy.path)
    for name in ids(copy):
        copy.run(name).telemetry.unlink()
    assert load_campaign(copy.path).telemetry().num_rows == 0
    written = write_tables(load_campaign(copy.path), "csv", tmp_path / "csv")
    assert [path.name for path in written] == ["runs.csv", "requests.csv"]


def test_each_runs_attempts_are_in_one_table(campaign: CampaignFolder) -> None:
    table = assay.load_campaign(campaign.path).requests()
    assert table.column_names == ["run", *REQUESTS_SCHEMA.names]
    for name in ids(campaign):
        rows = table.filter(pc.equal(table["run"].cast(pa.string()), name)).drop_columns("run")
        assert rows.to_pylist() == read_requests(campaign.run(name).requests).to_pylist()


def test_only_the_columns_that_were_asked_for_are_read(campaign: CampaignFolder) -> None:
    table = load_campaign(campaign.path).requests(["endpoint", "sent_ns"])
    assert table.column_names == ["run", "endpoint", "sent_ns"]


def test_figures_are_those_of_the_result_with_their_ends(campaign: CampaignFolder) -> None:
    first, second = load_campaign(campaign.path).figures().to_pylist()
    assert (first["name"], second["name"]) == ("Offline, run 1 of 2", "Offline, run 2 of 2")
    result = read_result(campaign.run(ids(campaign)[0]))
    assert result is not None
    rate, ttft = result.figures["samples_per_s"], result.latency["ttft_ns"]
    assert (first["samples_per_s"], first["samples_per_s_low"]) == (rate.value, rate.low)
    assert (first["ttft_p99_ns"], first["ttft_p99_ns_high"]) == (ttft.p99, ttft.intervals["p99"][1])
    assert first["verdict"] == result.verdict.words


def test_a_row_tells_of_files_that_changed_since(campaign: CampaignFolder, tmp_path: Path) -> None:
    fresh = CampaignFolder(tmp_path / "copy")
    shutil.copytree(campaign.path, fresh.path)
    before = load_campaign(fresh.path).figures().to_pylist()[0]["manifest"]
    assert "as they were closed" in before
    result = fresh.run(ids(fresh)[0]).result
    result.write_text(result.read_text() + " ")
    after = load_campaign(fresh.path).figures().to_pylist()[0]["manifest"]
    assert "not as it was closed: 1 differences" in after


def test_parquet_holds_everything_and_csv_all_but_the_lists(campaign: CampaignFolder, tmp_path: Path) -> None:
    copy = CampaignFolder(tmp_path / "copy")
    shutil.copytree(campaign.path, copy.path)
    for place, name in enumerate(ids(copy)):  # so short a run may have none of its own
        sample(copy.run(name), place)
    loaded = load_campaign(copy.path)
    parquet = write_tables(loaded, "parquet", tmp_path / "parquet")
    assert [path.name for path in parquet] == ["runs.parquet", "requests.parquet", "telemetry.parquet"]
    assert pq.read_table(parquet[1]).to_pylist() == loaded.requests().to_pylist()
    assert pq.read_table(parquet[2]).to_pylist() == loaded.telemetry().to_pylist()
    requests = write_tables(loaded, "csv", tmp_path / "csv")[1]
    with requests.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    lists = {"chunk_ns", "chunk_tokens", "output_ids"}
    assert set(rows[0]) == {"run", *REQUESTS_SCHEMA.names} - lists
    assert [int(row["sent_ns"]) for row in rows] == loaded.requests(["sent_ns"])["sent_ns"].to_pylist()


def test_no_file_is_written_over(campaign: CampaignFolder, tmp_path: Path) -> None:
    write_tables(load_campaign(campaign.path), "csv", tmp_path)
    kept = (tmp_path / "requests.csv").read_bytes()
    (tmp_path / "runs.csv").unlink()
    with pytest.raises(UserError, match="there already"):
        write_tables(load_campaign(campaign.path), "csv", tmp_path)
    assert (tmp_path / "requests.csv").read_bytes() == kept
    assert not (tmp_path / "runs.csv").exists()


def test_where_a_run_cant_be_read_no_table_is_left(campaign: CampaignFolder, tmp_path: Path) -> None:
    """Else a second try would find those of the first there already."""
    copy = CampaignFolder(tmp_path / "copy")
    shutil.copytree(campaign.path, copy.path)
    copy.run(ids(copy)[-1]).requests.write_bytes(b"damaged")
    with pytest.raises(UserError, match="can't be read as a run's requests"):
        write_tables(load_campaign(copy.path), "csv", tmp_path / "csv")
    assert list((tmp_path / "csv").iterdir()) == []


def test_a_servers_words_are_no_formula_of_a_spreadsheet() -> None:
    words = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\t=1", "plain", None]
    table = _flat(pa.table({"detail": pa.array(words), "coded": pa.array(words).dictionary_encode()}))
    expected = [*(f"'{word}" for word in words[:5]), "plain", None]
    assert table["detail"].to_pylist() == expected
    assert table["coded"].to_pylist() == expected


def test_what_is_no_campaign_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a campaign folder"):
        assay.load_campaign(tmp_path)
