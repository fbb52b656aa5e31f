"""Text, options and disks that are not as they should be: clear errors or right results, and nothing half-written."""

import errno
import gzip
import io
import json
import random

import pytest

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of
from dump2bert.pretraining import shards
from dump2bert.pretraining.working_folder import working_folder
from dump2bert.tfrecord import decode_example, read_records
from dump2bert.validation import validated
from dump2bert.config_data import Instances
from tests.unit.pretraining_world import make_data, write_text, write_vocabulary

MODES = pytest.mark.parametrize("mode", ["google", "fast"])


@pytest.fixture
def vocabulary(tmp_path):
    return write_vocabulary(tmp_path / "vocab.txt")


def data_of(folder, content, vocabulary, **options):
    """The shards' digests of a text given as bytes."""
    folder.mkdir()
    (folder / "text.txt").write_bytes(content)
    return list(map(sha256_of, make_data(folder, folder / "text.txt", vocabulary, **options)))


def statistics(folder):
    return json.loads((folder / "statistics.json").read_text())


def nothing_is_left(folder):
    return not [path for path in folder.iterdir() if path.name.startswith(".") or "tfrecord" in path.name]


@pytest.fixture
def text(tmp_path):
    return write_text(tmp_path / "text.txt", documents=40).read_bytes()


@MODES
def test_windows_line_ends_a_byte_order_mark_and_nul_bytes_change_nothing(mode, tmp_path, vocabulary, text):
    plain = data_of(tmp_path / "plain", text, vocabulary, mode=mode)
    for name, changed in {"crlf": text.replace(b"\n", b"\r\n"), "bom": b"\xef\xbb\xbf" + text,
                          "nul": text.replace(b"a", b"\x00a\x00"), "no end": text.rstrip(b"\n")}.items():
        assert data_of(tmp_path / name, changed, vocabulary, mode=mode) == plain


def test_compressed_text_gives_the_same_shards(tmp_path, vocabulary, text):
    plain = data_of(tmp_path / "plain", text, vocabulary)
    with gzip.open(tmp_path / "text.txt.gz", "wb") as file:
        file.write(text)
    made = make_data(tmp_path / "packed", tmp_path / "text.txt.gz", vocabulary)
    assert list(map(sha256_of, made)) == plain


@MODES
@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\t\r\n", b"\xe2\x80\x8b\n\n\x00\n"])
def test_empty_text_is_refused(mode, tmp_path, vocabulary, content):
    with pytest.raises(BadInput, match="no text in .*text.txt: expected one sentence a line"):
        data_of(tmp_path / "data", content, vocabulary, mode=mode)
    assert nothing_is_left(tmp_path / "data")


@MODES
def test_one_giant_document_is_cut_into_instances_in_bounded_blocks(mode, tmp_path, vocabulary, monkeypatch):
    monkeypatch.setattr("dump2bert.pretraining.drawing.BLOCK", 100)
    rng = random.Random(1)
    lines = [" ".join(rng.choices("abcdefghij", k=rng.randint(1, 30))) for _ in range(20000)]
    data_of(tmp_path / "data", "\n".join(lines).encode(), vocabulary, mode=mode, dupe_factor=1)
    found = statistics(tmp_path / "data")
    assert found["documents"] == 1 and found["instances"] > 5000
    assert found["random_next_rate"] == pytest.approx(0.6, abs=0.15)


@MODES
def test_a_line_of_a_megabyte_is_one_sentence(mode, tmp_path, vocabulary):
    line = b"a b " * 250_000
    data_of(tmp_path / "data", line + b"\nc d\n\ne f\ng h\n", vocabulary, mode=mode)
    found = statistics(tmp_path / "data")
    assert (found["documents"], found["sentences"], found["tokens"]) == (2, 4, 500_006)


def test_a_word_of_a_megabyte_is_one_unknown_token(tmp_path, vocabulary):
    data_of(tmp_path / "data", b"a" * 1_000_000 + b"\n\n" + "é".encode() * 500_000 + b"\n", vocabulary, shards=1)
    found = statistics(tmp_path / "data")
    assert found["tokens"] == 2 and found["unknown_rate"] == 1


@MODES
def test_text_of_another_language_is_counted_as_unknown(mode, tmp_path, vocabulary):
    text = "\n\n".join("漢 " * 9 + "a" for _ in range(20))
    data_of(tmp_path / "data", text.encode(), vocabulary, mode=mode)
    assert statistics(tmp_path / "data")["unknown_rate"] == pytest.approx(0.9)


@MODES
def test_instances_of_eight_tokens_are_possible(mode, tmp_path, vocabulary, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/text.txt").write_bytes(text)
    for path in make_data(tmp_path / "data", tmp_path / "data/text.txt", vocabulary, mode=mode, max_seq_length=8,
                          max_predictions_per_seq=2):
        for record in map(decode_example, read_records(path)):
            assert len(record["input_ids"]) == 8 and record["masked_lm_weights"].sum() == 1
            assert 5 <= record["input_mask"].sum() <= 8


@pytest.mark.parametrize("option, value, message", [
    ("dupe_factor", 0, "dupe_factor"), ("max_seq_length", 7, "max_seq_length"), ("masked_lm_prob", 1.5, "masked_lm_prob"),
    ("max_predictions_per_seq", 200, "max_predictions_per_seq 200 is above max_seq_length 128")])
def test_options_that_cannot_be_are_refused_in_one_sentence(option, value, message):
    with pytest.raises(BadInput, match=message):
        validated(Instances, {option: value}, "--")


def test_dynamic_masking_of_googles_instances_is_refused():
    with pytest.raises(BadInput, match="masking dynamic needs mode fast"):
        validated(Instances, {"mode": "google", "masking": "dynamic"}, "--")


# ------------------------------------------------------------------------------------------------------------------ disk


class FullDisk(io.BytesIO):
    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")


@MODES
def test_a_disk_that_is_full_in_shard_7_of_16_leaves_no_shard(mode, tmp_path, vocabulary, text, monkeypatch):
    def opened(path, kind):
        """atomic_write, but for one shard."""
        return Full(kept(path, kind)) if "part-7" in str(path) else kept(path, kind)

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            self.file.__enter__()
            return FullDisk()

        def __exit__(self, *error):
            return self.file.__exit__(*error)

    kept = shards.atomic_write
    monkeypatch.setattr(shards, "atomic_write", opened)
    with pytest.raises(BadInput, match=r"part-7\.tfrecord cannot be written: No space left on device"):
        data_of(tmp_path / "data", text, vocabulary, mode=mode, shards=16)
    assert nothing_is_left(tmp_path / "data") and not (tmp_path / "data/statistics.json").exists()


def test_working_files_that_find_no_room_are_said_to_be_beside_the_outputs(tmp_path, vocabulary, text, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dump2bert.pretraining.shuffling.PENDING", 100)
    monkeypatch.setattr("dump2bert.pretraining.shuffling.open", lambda *_: Full(), raising=False)
    with pytest.raises(BadInput, match="data cannot be written: No space left on device .working files"):
        data_of(tmp_path / "data", text, vocabulary)
    assert nothing_is_left(tmp_path / "data")


def test_working_files_of_a_run_that_was_killed_are_removed_and_those_of_a_living_one_kept(tmp_path, vocabulary, text):
    dead = tmp_path / "data" / ".pretraining_data.1.part"
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    (dead / "tokens").write_bytes(b"left over")
    (tmp_path / "data/text.txt").write_bytes(text)
    with working_folder(tmp_path / "data" / "other.tfrecord") as living:    # of another run in the same folder
        (living / "tokens").touch()
        make_data(tmp_path / "data", tmp_path / "data/text.txt", vocabulary)
        assert not dead.exists() and (living / "tokens").exists()
    assert not living.exists()


def test_shards_of_another_run_in_the_folder_are_replaced_or_found_by_the_validation(tmp_path, vocabulary, text):
    data_of(tmp_path / "data", text, vocabulary, shards=4)
    old = {path: sha256_of(path) for path in (tmp_path / "data").glob("*.tfrecord")}
    new = make_data(tmp_path / "data", tmp_path / "data/text.txt", vocabulary, shards=2, random_seed=1)
    assert set(statistics(tmp_path / "data")["shards"]) == {path.name for path in new}    # schema refuses the others
    assert all(sha256_of(path) != old[path] for path in new)
