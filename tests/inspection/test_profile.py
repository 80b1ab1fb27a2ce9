"""Profiles against numpy on all the gates at once; files that resume, and files that do not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from effnet.errors import ProfileError
from effnet.inspection import profile_file
from effnet.inspection.profile import (
    Profile,
    Sums,
    build_profile,
    list_pictures,
    profile_of,
    specificity,
    spreads,
)
from effnet.inspection.profile_file import read_profile, to_bytes, write_profile
from effnet.inspection.trace import trace
from effnet.network.model import EfficientNet
from effnet.profiling import profile_folder
from effnet.weights.info import Preprocessing, WeightsInfo
from tests.nets import net

GROUPS = ("apples", "pears")


def model() -> EfficientNet:
    made = net()
    made.info = WeightsInfo(
        name="untrained", title="test", config=made.spec.config, trained=False,
        preprocessing=Preprocessing(size=32, crop=1.0),
    )  # fmt: skip
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two groups of pictures, one damaged file, one file that is no picture."""
    rng = np.random.default_rng(0)
    for g, group in enumerate(GROUPS):
        (tmp_path / "in" / group).mkdir(parents=True)
        for i in range(7 + 3 * g):
            pixels = rng.integers(0, 120 + 100 * g, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "in" / group / f"{i}.png")
    (tmp_path / "in" / "pears" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    return tmp_path / "in"


def all_at_once(made: EfficientNet, folder: Path, group: str, block: str) -> np.ndarray:
    import torch

    from effnet.inspection.images import prepare, read_picture

    values = []
    for path in sorted((folder / group).glob("*.png")):
        ready = prepare(read_picture(path.read_bytes()), made.info.preprocessing)
        values.append(trace(made, torch.from_numpy(ready.values)).gates[block][0])
    return np.stack(values).astype(np.float64)


def test_sums_equal_numpy_however_they_are_cut() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((50, 7))
    sums = Sums.empty(7)
    for part in np.split(x, [1, 2, 20, 20, 47]):
        sums.add(part)
    assert sums.count == 50
    assert np.allclose(sums.mean, x.mean(0))
    assert np.allclose(sums.variance, x.var(0))
    assert np.array_equal(sums.low, x.min(0))
    assert np.array_equal(sums.high, x.max(0))


def test_a_folder_by_group(folder: Path) -> None:
    made = model()
    files = list_pictures(folder)
    assert [g for g, _ in files] == ["apples"] * 7 + ["pears"] * 11
    done = build_profile(made, files, size=4)
    assert list(done.groups) == list(GROUPS)
    assert done.pictures == 17
    assert len(done.damaged) == 1
    assert done.damaged[0][0].endswith("broken.jpg")
    for group in GROUPS:
        for block in ("2.1", "5.2"):
            x = all_at_once(made, folder, group, block)
            sums = done.groups[group][block]
            assert sums.count == len(x)
            assert np.allclose(sums.mean, x.mean(0), atol=1e-6)
            assert np.allclose(sums.variance, x.var(0), atol=1e-7)
    x = np.concatenate([all_at_once(made, folder, g, "5.2") for g in GROUPS])
    assert np.allclose(done.mean_gates()["5.2"], x.mean(0), atol=1e-6)


def test_specificity_by_hand() -> None:
    """Channel 0 is set by the group alone, channel 1 not at all, channel 2 half and half, 3 never moves."""
    info = model().info
    a = [np.array([0.2, v, 0.4 + d, 0.5]) for v, d in ((0.1, -0.1), (0.3, 0.1))]
    b = [np.array([0.8, v, 0.6 + d, 0.5]) for v, d in ((0.1, -0.1), (0.3, 0.1))]
    made = profile_of(info, [("a", {"2.1": v}) for v in a] + [("b", {"2.1": v}) for v in b])
    assert specificity(made, "2.1") == pytest.approx([1.0, 0.0, 0.5, 0.0], abs=1e-9)
    within, between = spreads(made, "2.1")
    assert within == pytest.approx([0.0, 0.1, 0.1, 0.0], abs=1e-9)
    assert between == pytest.approx([0.3, 0.0, 0.1, 0.0], abs=1e-9)
    assert within**2 + between**2 == pytest.approx(np.var(np.stack(a + b), 0), abs=1e-12)
    groups, means = made.means("2.1")
    assert groups == ("a", "b")
    assert means[:, 0] == pytest.approx([0.2, 0.8])
    with pytest.raises(ProfileError, match="two or more"):
        specificity(profile_of(info, [("a", {"2.1": a[0]})]), "2.1")


def test_a_file_round_trips(folder: Path, tmp_path: Path) -> None:
    done = build_profile(model(), list_pictures(folder))
    write_profile(tmp_path / "p.parquet", done)
    back, rest = read_profile((tmp_path / "p.parquet").read_bytes())
    assert back.info == done.info
    assert back.damaged == done.damaged
    assert rest["pictures"] == 17
    for group, blocks in done.groups.items():
        for block, sums in blocks.items():
            other = back.groups[group][block]
            assert other.count == sums.count
            assert np.array_equal(other.mean, sums.mean)
            assert np.array_equal(other.squares, sums.squares)


def test_an_interrupted_run_goes_on_to_the_same_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SAVE_EVERY", "TELL_EVERY"):
        monkeypatch.setattr(f"effnet.profiling.{name}", 0.0)
    monkeypatch.setattr("effnet.profiling.SAVING_SHARE", 1e9)
    made, out = model(), tmp_path / "p.parquet"
    whole = profile_folder(made, folder, tmp_path / "whole.parquet", batch=4, say=lambda s: None)

    def stop(line: str) -> None:
        if line.startswith("7 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile_folder(made, folder, out, batch=4, say=stop)
    assert not out.exists()
    said: list[str] = []
    resumed = profile_folder(made, folder, out, batch=4, say=said.append)
    assert said[0] == "going on after 7 of 18 pictures"
    assert said[-1].startswith("18 of 18 pictures, ")
    assert "left" not in said[-1]
    for group, blocks in whole.groups.items():
        for block, sums in blocks.items():
            assert np.allclose(resumed.groups[group][block].mean, sums.mean, atol=1e-12)
            assert resumed.groups[group][block].count == sums.count
    assert not out.with_name("p.parquet.part").exists()
    assert resumed.damaged == whole.damaged


def test_a_part_of_another_folder_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = build_profile(model(), list_pictures(folder))
    part = tmp_path / "p.parquet.part"
    write_profile(part, done, {"done": 3, "fingerprint": "another"})
    with pytest.raises(ProfileError, match="another folder or network"):
        profile_folder(model(), folder, tmp_path / "p.parquet", say=lambda s: None)
    part.write_bytes(b"cut")
    with pytest.raises(ProfileError, match="delete it to start over"):
        profile_folder(model(), folder, tmp_path / "p.parquet", say=lambda s: None)


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_run(
    folder: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    for out in (tmp_path / "none" / "p.parquet", tmp_path):
        with pytest.raises(ProfileError, match="a folder that exists"):
            profile_folder(model(), folder, out, say=said.append)
    assert said == []


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="not a folder"):
        list_pictures(tmp_path / "nowhere")
    with pytest.raises(ProfileError, match="no pictures"):
        list_pictures(tmp_path)
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(ProfileError, match="None of the 1"):
        profile_folder(model(), tmp_path, tmp_path / "o.parquet", say=lambda s: None)
    lite = net("lite0", resolution=32)
    with pytest.raises(ProfileError, match="no squeeze-and-excitation"):
        build_profile(replace_info(lite), [("a", tmp_path / "a.png")])


def replace_info(made: EfficientNet) -> EfficientNet:
    made.info = replace(model().info, config=made.spec.config)
    return made


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """The same picture 10 and 300 times: the profile holds as many numbers."""
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.png")
    files = [("g", tmp_path / "a.png")]
    small, large = (build_profile(model(), files * n, size=50) for n in (10, 300))
    assert len(to_bytes(small)) == pytest.approx(len(to_bytes(large)), rel=0.05)
    assert large.groups["g"]["2.1"].count == 300


def strange_files(good: bytes) -> dict[str, bytes]:
    table = pq.read_table(pa.BufferReader(good))
    about = json.loads(table.schema.metadata[profile_file.FORMAT.encode()])

    def again(table: pa.Table, about: object) -> bytes:
        sink = pa.BufferOutputStream()
        pq.write_table(
            table.replace_schema_metadata({profile_file.FORMAT: json.dumps(about)}), sink
        )
        return bytes(sink.getvalue())

    mean = table.schema.get_field_index("mean")
    nan = pa.array(np.full(table.num_rows, np.nan))
    other = {
        **about,
        "weights": replace(model().info, config=net("mini").spec.config).to_metadata(),
    }
    return {
        "empty": b"", "text": b"hello", "cut": good[: len(good) // 2],
        "no metadata": again(table, {}), "plain parquet": again(table, []),
        "newer": again(table, {**about, "version": 2}),
        "no version": again(table, {**about, "version": "x"}),
        "older than the first": again(table, {**about, "version": 0}),
        "another network": again(table, other),
        "rows missing": again(table.slice(0, table.num_rows - 1), about),
        "not finite": again(table.set_column(mean, "mean", nan), about),
        "column missing": again(table.drop_columns(["low"]), about),
        "damaged description": again(table, {**about, "weights": {"format": "effnet/1"}}),
        "damaged list": again(table, {**about, "damaged": [1]}),
    }  # fmt: skip


def test_files_that_are_no_profile_end_in_a_sentence() -> None:
    good = to_bytes(profile_of(model().info, [("a", trace_gates())]))
    assert isinstance(read_profile(good)[0], Profile)
    for name, data in strange_files(good).items():
        with pytest.raises(ProfileError) as error:
            read_profile(data)
        words = {"newer": "newer version"}.get(name, "profile")
        assert words in str(error.value), name


def trace_gates() -> dict[str, np.ndarray]:
    from tests.nets import picture

    return {k: v[0] for k, v in trace(model(), picture()).gates.items()}


def test_bytes_flipped_anywhere_end_in_a_profile_or_a_sentence() -> None:
    good = to_bytes(profile_of(model().info, [("a", trace_gates())]))
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(400):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad), rng.integers(1, 4)):
            bad[at] = rng.integers(0, 256)
        try:
            read_profile(bytes(bad))
            read += 1
        except ProfileError:
            pass
    print(f"mutants 400 read {read} refused {400 - read} escaped 0")
