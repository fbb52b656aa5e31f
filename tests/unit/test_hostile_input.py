"""Broken input, through the real command line: one sentence, exit code 1, nothing half-written, and once the cause is
mended the same command works. What each reader says of each fault is tested beside it; here every stage is asked."""

import bz2
import json
import re
import shutil

import pytest

from dump2bert.tfrecord import decode_example, encode_example, read_records, write_records
from tests.unit.hostile_world import NETWORK, run
from tests.unit.test_extraction import END

pytestmark = pytest.mark.xdist_group("hostile")


@pytest.fixture
def folder(sound_inputs, tmp_path):
    shutil.copytree(sound_inputs, tmp_path / "in")
    return tmp_path


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(capfd, stage, folder, **changes):
    """Run a stage that must refuse -> its sentence."""
    capfd.readouterr()
    code = run(stage, folder, **changes)
    printed = capfd.readouterr().err
    sentences = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert code == 1 and len(sentences) == 1 and "Traceback" not in printed, printed
    assert printed.splitlines()[-1] == sentences[0]
    return sentences[0]


# ---------------------------------------------------------------------------------------------- ways to break a file


def written(name, content):
    """Put `content` into a file."""
    def broken(inputs):
        (inputs / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return broken


def changed(name, change):
    """Put change(bytes) into a file."""
    def broken(inputs):
        (inputs / name).write_bytes(change((inputs / name).read_bytes()))
    return broken


def removed(name):
    def broken(inputs):
        (inputs / name).unlink()
    return broken


def copied(source, name):
    def broken(inputs):
        shutil.copy(inputs / source, inputs / name)
    return broken


def cut(content):
    return content[:len(content) * 2 // 3]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1:]


def as_windows_text(content):
    return content.replace(b"\n", b"\r\n")


def line_changed(number, change):
    """Change a line, counted from 1, of a text."""
    def change_all(content):
        lines = content.splitlines(keepends=True)
        lines[number - 1] = change(lines[number - 1])
        return b"".join(lines)
    return change_all


def record_changed(**values):
    """Other values of some keys of line 3 of a file of JSON records."""
    def change(line):
        return json.dumps({**json.loads(line), **values}).encode() + b"\n"
    return line_changed(3, change)


def longer(columns, by):
    """TFRecord files whose `columns` (a comma list) have `by` numbers more in every record."""
    def broken(*names, statistics=None):
        def all_broken(inputs):
            for name in names:
                records = []
                for data in read_records(inputs / name):
                    features = {key: values.tolist() for key, values in decode_example(data).items()}
                    records.append(encode_example({key: values + [0] * by * (key in columns.split(","))
                                                   for key, values in features.items()}))
                with open(inputs / name, "wb") as file:
                    write_records(file, records)
            if statistics:
                (inputs / statistics).unlink()
        return all_broken
    return broken


def schema_changed(name, change):
    def broken(inputs):
        schema = json.loads((inputs / name).read_text())
        change(schema)
        (inputs / name).write_text(json.dumps(schema))
    return broken


def without_statistics(broken):
    """As with shards that another program has made: no manifest vouches for them."""
    def both(inputs):
        broken(inputs)
        (inputs / "data/statistics.json").unlink()
    return both


def cut_within_a_record(content):
    return content[:-10]


SHARD, SHARDS = "data/part-1.tfrecord", ("data/part-0.tfrecord", "data/part-1.tfrecord")
SEQUENCE = "input_ids,input_mask,segment_ids"
NOT_UTF_8 = line_changed(2, lambda line: b"caf\xe9\n")

CASES = {
    # Dumps.
    "a dump cut off": ("extract", changed("dump.xml", cut), r"dump\.xml ends early, after \d whole pages"),
    "a dump without its end": (
        "extract", changed("dump.xml", lambda xml: xml.removesuffix(END.encode())), "ends early"),
    "an empty dump": ("extract", written("dump.xml", ""), r"dump\.xml is empty"),
    "an error page": ("extract", written("dump.xml", "<html><body>404</body></html>"), "no MediaWiki export"),
    "no XML": ("extract", written("dump.xml", bytes(range(256))), "is no XML"),
    "a dump compressed twice": ("extract", changed("dump.xml", lambda xml: bz2.compress(bz2.compress(xml))), "twice"),
    "a compressed dump cut off": ("extract", changed("dump.xml", lambda xml: bz2.compress(xml)[:-30]), "ends early"),
    "an index that is none": ("cut", written("index.txt", "some text\n"), r"index\.txt line 1 is none of a multistream index"),
    "an empty index": ("cut", written("index.txt", ""), r"index\.txt is empty"),
    "an index of another dump": ("cut", changed("index.txt", lambda text: b"7:1:A\n8:2:B\n"), "no stream at byte 7"),
    "a multistream dump cut off": ("cut", changed("multistream.xml.bz2", lambda dump: dump[:400]), "says that a stream begins"),
    "streams that are none": ("templates", written("streams.json", "{}"), r"streams\.json says nothing of part 0"),
    "a part that is cut off": ("extract part", changed("multistream.xml.bz2", lambda dump: dump[:-100]),
                               r"multistream\.xml\.bz2 ends at byte"),
    "a dump with another checksum": ("download", changed("dump.xml.bz2", flipped), "is expected: nothing was kept"),
    "a sums file without the dump": ("download", written("sums.txt", "0" * 40 + "  other.xml\n"), "no sum for dump"),
    "an empty sums file": ("download", written("sums.txt", ""), r"sums\.txt is empty"),
    # Text.
    "text that is not UTF-8": ("clean text", changed("text.txt", NOT_UTF_8), r"text\.txt line 2 is not UTF-8"),
    "text in UTF-16": ("clean text", changed("text.txt", lambda text: text.decode().encode("utf-16")), "not UTF-8"),
    "text of blank lines": ("clean text", written("text.txt", "\n \n\n"), "no sentence that could be kept"),
    "articles that are no JSON": ("clean", changed("articles.jsonl", line_changed(3, cut)), "line 3 is not valid JSON"),
    "articles without text": ("clean", changed("articles.jsonl", record_changed(text=None)), "line 3 is no article"),
    "cleaned text that is not UTF-8": ("split", changed("text.txt", NOT_UTF_8), r"text\.txt line 2 is not UTF-8"),
    "statistics cut off": ("split", changed("text.json", cut), r"text\.json is not valid JSON"),
    "statistics of another kind": ("split", written("text.json", "[]"), r"text\.json is no statistics"),
    "text to learn words from, not UTF-8": ("train vocabulary", changed("text.txt", NOT_UTF_8), "line 2 is not UTF-8"),
    "text to mask, not UTF-8": ("pretraining_data", changed("text.txt", NOT_UTF_8), r"text\.txt line 2 is not UTF-8"),
    "text to mask, in UTF-16": ("pretraining_data", changed("text.txt", lambda text: text.decode().encode("utf-16")),
                                "line 1 is not UTF-8"),
    "no text to mask": ("pretraining_data", written("text.txt", ""), r"no text in .*text\.txt"),
    # Vocabularies.
    **{f"a vocabulary {what}, for {stage}": (stage, changed("vocab.txt", change), rf"vocab\.txt.*{said}")
       for stage in ("vocabulary", "pretraining_data", "schema", "pretrain", "task_data")
       for what, change, said in (
           ("without [MASK]", lambda text: text.replace(b"[MASK]\n", b""), r"lacks \[MASK\]"),
           ("with a duplicate", lambda text: text + b"a\n", "line 126 repeats 'a' of line 6"),
           ("with Windows line ends", as_windows_text, "line 1 has a Windows line end"),
           ("that is not UTF-8", lambda text: text + b"\xe9\n", "line 126 is not UTF-8"),
           ("that is empty", lambda text: b"", r"lacks \[PAD\]"))},
    "a vocabulary smaller than the records', for pretrain": (
        "pretrain", changed("vocab.txt", lambda text: b"".join(text.splitlines(True)[:30])), "another vocabulary"),
    "a vocabulary smaller than the records', for schema": (
        "schema", changed("vocab.txt", lambda text: b"".join(text.splitlines(True)[:30])), "must be from 0 to 29"),
    # Pretraining data.
    "a shard with a flipped byte": ("schema", changed(SHARD, flipped), r"part-1\.tfrecord is not the file that"),
    "a foreign shard with a flipped byte": ("schema", without_statistics(changed(SHARD, flipped)),
                                            r"part-1\.tfrecord record \d+ (is damaged|has a damaged length)"),
    "a shard cut off": ("schema", without_statistics(changed(SHARD, cut_within_a_record)),
                        r"part-1\.tfrecord ends within record \d+"),
    "an empty shard": ("schema", without_statistics(written(SHARD, "")), r"part-1\.tfrecord has no records"),
    "no TFRecord": (
        "schema", without_statistics(written(SHARD, "some text, long enough")), "record 1 has a damaged length"),
    "a shard of another length": ("schema", longer(SEQUENCE, 8)(SHARD, statistics="data/statistics.json"),
                                  "the shards of a folder must be alike"),
    "statistics of shards, broken": (
        "schema", changed("data/statistics.json", cut), "statistics.json is not valid JSON"),
    "shards cut off, for pretrain": (
        "pretrain", changed(SHARD, cut_within_a_record), r"part-1\.tfrecord ends within record \d+"),
    "a shard with a flipped byte, for pretrain_eval": (
        "pretrain_eval", changed(SHARD, flipped), r"part-1\.tfrecord has a damaged record"),
    "an empty shard, for pretrain": ("pretrain", written(SHARD, ""), r"numRows \d+, but the shards .* hold"),
    "no TFRecord, for pretrain": ("pretrain", written(SHARD, "some text, long enough"), r"part-1\.tfrecord"),
    "shards of another length, for pretrain": ("pretrain", longer(SEQUENCE, 8)(*SHARDS), "is not 64 numbers"),
    "shards of fewer predictions, for pretrain_eval": (
        "pretrain_eval", longer("masked_lm_ids", 2)(*SHARDS), "masked_lm_ids is not 10 numbers"),
    "a schema that is no JSON": ("pretrain", changed("data/schema.json", cut), r"schema\.json is not valid JSON"),
    "a schema of another form": ("pretrain", written("data/schema.json", "[]"), "is no schema in MindSpore's form"),
    "a schema with other rows": (
        "pretrain", schema_changed("data/schema.json", lambda schema: schema.update(numRows=7)),
        r"says numRows 7, but the shards .* hold \d+"),
    "a schema with another length": (
        "pretrain", schema_changed("data/schema.json",
        lambda schema: schema["columns"]["input_ids"].update(shape=[32])),
        "is not 32 numbers|of different lengths"),
    "a schema without a column": (
        "pretrain", schema_changed("data/schema.json", lambda schema: schema["columns"].pop("segment_ids")),
        "lacks the column segment_ids"),
    "a schema with a column too many": (
        "pretrain", schema_changed("data/schema.json", lambda schema: schema["columns"].update(more={"shape": [1]})),
        "has the column more, which the records in .* have not"),
    "a schema with another type": (
        "pretrain", schema_changed("data/schema.json",
                                   lambda schema: schema["columns"]["input_ids"].update(type="float32")),
        "has the column input_ids of float32, which the records in .* have not in this type"),
    "a schema with another rank": (
        "pretrain", schema_changed("data/schema.json", lambda schema: schema["columns"]["input_ids"].update(rank=2)),
        "gives the column input_ids a rank that is not the length of its shape"),
    "a schema of another kind of records": (
        "pretrain", schema_changed("data/schema.json", lambda schema: schema.update(datasetType="Random")),
        "is of datasetType Random, but records are read as TF"),
    "a schema with another length, for pretrain_eval": (
        "pretrain_eval", schema_changed("data/schema.json",
                                        lambda schema: schema["columns"]["masked_lm_ids"].update(shape=[5])),
        "masked_lm_ids is not 5 numbers"),
    # Checkpoints.
    "a checkpoint cut off": ("pretrain_eval", changed("pretrained/model.ckpt", cut), r"model\.ckpt"),
    "an empty checkpoint": ("pretrain_eval", written("pretrained/model.ckpt", ""), r"model\.ckpt is no checkpoint"),
    "a checkpoint that is none": (
        "pretrain_eval", written("pretrained/model.ckpt", "weights"), r"model\.ckpt is no checkpoint"),
    "a checkpoint without network.json": (
        "pretrain_eval", removed("pretrained/network.json"), "network.json cannot be read"),
    "a network.json that is no JSON": (
        "pretrain_eval", changed("pretrained/network.json", cut), "network.json is not valid"),
    "a network.json of a list": ("predict", written("finetuned/network.json", "[]"), "does not describe a network"),
    "a network.json of something else": (
        "pretrain_eval", written("pretrained/network.json", "{}"), "does not describe a network"),
    "a checkpoint of another network": (
        "pretrain_eval", schema_changed("pretrained/network.json",
                                        lambda json: json["network"].update(hidden_size=32)), "is of another network"),
    "a checkpoint of fewer layers": (
        "pretrain_eval", schema_changed("pretrained/network.json",
                                        lambda json: json["network"].update(num_hidden_layers=2)),
        "is not of this network"),
    "a finetuned network that is pretrained": ("predict", copied("pretrained/network.json", "finetuned/network.json"),
                                               "is a pretrained network"),
    "weights of a pretrained network": ("predict", copied("pretrained/model.ckpt", "finetuned/model.ckpt"),
                                        "has no classifier"),
    "a finetuned network cut off": ("predict", changed("finetuned/model.ckpt", cut), r"model\.ckpt"),
    # Records of a task.
    "a span outside the text": ("task_data", changed("train.json", record_changed(label={"name": {"x": [[90, 90]]}})),
                                r"train\.json line 3: name 'x' at \[90, 90\] lies outside the text of \d+ characters"),
    "a span of another text": ("task_data", changed("dev.json", record_changed(label={"name": {"zz": [[0, 1]]}})),
                               r"dev\.json line 3: name 'zz' at \[0, 1\] is "),
    "an unknown type": ("task_data", changed("train.json", record_changed(label={"nmae": {"a": [[0, 0]]}})),
                        r"train\.json line 3 has entities of the unknown type 'nmae'; known are address, "),
    "records that are no JSON": (
        "task_data", changed("dev.json", line_changed(3, cut)), r"dev\.json line 3 is not valid JSON"),
    "records within too many brackets": (
        "task_data", written("train.json", "[" * 100_000), r"train\.json is not valid JSON"),
    "records without labels": ("task_data", changed("train.json", record_changed(label=None)),
                               r'train\.json line 3 has no "label"'),
    "records that are not UTF-8": ("task_data", changed("train.json", NOT_UTF_8), r"train\.json line 2 is not UTF-8"),
    "no records": ("task_data", written("dev.json", ""), r"dev\.json holds no record"),
    "no records to predict": ("predict", written("dev.json", ""), r"dev\.json holds no record"),
    "records to predict that are no JSON": (
        "predict", changed("dev.json", line_changed(3, cut)), "line 3 is not valid JSON"),
    "texts to predict that are not UTF-8": ("predict", written("dev.json", b"caf\xe9\n"), "line 1 is not UTF-8"),
    "predictions cut off": (
        "evaluate", changed("predictions.json", line_changed(10, cut)), "line 10 is not valid JSON"),
    "too few predictions": ("evaluate", changed("predictions.json", lambda text: b"".join(text.splitlines(True)[:-1])),
                            r"predictions\.json"),
    "predictions of another form": ("evaluate", written("predictions.json", "[1]\n" * 10), r"predictions\.json line 1"),
    "gold data that is no JSON": (
        "evaluate", changed("dev.json", line_changed(3, cut)), r"dev\.json line 3 is not valid"),
    # Task data.
    "task rows with a flipped byte": (
        "finetune", changed("task/train.tfrecord", flipped), r"train\.tfrecord record \d+ "),
    "task rows cut off": (
        "finetune", changed("task/dev.tfrecord", cut_within_a_record), r"dev\.tfrecord ends within record \d+"),
    "no task rows": ("finetune", written("task/train.tfrecord", ""), r"train\.tfrecord holds no record"),
    "task rows of another length": ("finetune", longer(f"{SEQUENCE},label_ids", 8)("task/train.tfrecord"),
                                    r"train\.tfrecord has columns of input_ids 24"),
    "task rows of unequal columns": ("finetune", longer("label_ids", 8)("task/dev.tfrecord"), r"label_ids 24"),
    "a task schema of another length": (
        "finetune", schema_changed("task/schema.json", lambda schema: schema["columns"]["label_ids"].update(shape=[8])),
        r"schema\.json should have the same"),
    "a task schema that is no JSON": ("finetune", changed("task/schema.json", cut), r"schema\.json is not valid JSON"),
    "a label file of another form": (
        "finetune", written("task/labels.json", '{"name": 1}'), r"labels\.json should number"),
    "fewer labels than a type has": ("finetune", written("task/labels.json", '{"O": 0, "S_name": 1}'),
                                     r"labels\.json has no B_name"),
    "fewer labels than the rows have": (
        "finetune", written("task/labels.json", '{"O": 0, "S_name": 1, "B_name": 2, "M_name": 3, "E_name": 4}'),
        "label_ids outside 0 .. 4"),
    "a vocabulary smaller than the rows'": (
        "finetune", changed("vocab.txt", lambda text: b"".join(text.splitlines(True)[:8])), "input_ids outside 0 .. 7"),
    # A run's results.
    "results that are no JSON": ("report", changed("results/networks/tiny/pretrain_eval/metrics.json", cut),
                                 r"metrics\.json is not valid JSON"),
}


@pytest.mark.parametrize("stage", sorted({stage for stage, _, _ in CASES.values()}))
def test_broken_input_is_one_sentence_leaves_nothing_and_can_be_mended(sound_inputs, folder, capfd, stage):
    for name, (_, broken, said) in ((name, case) for name, case in CASES.items() if case[0] == stage):
        broken(folder / "in")
        before = files(folder / "in")
        sentence = refused(capfd, stage, folder)
        assert re.search(said, sentence), f"{name}: {sentence}"
        assert not files(folder / "out"), name
        assert files(folder / "in") == before, name
        shutil.rmtree(folder / "in")
        shutil.copytree(sound_inputs, folder / "in")
    assert run(stage, folder) == 0
    assert files(folder / "out")


@pytest.mark.parametrize("stage, flag", [("pretrain", "load_checkpoint_path"),
                                         ("finetune", "load_pretrain_checkpoint_path")])
def test_a_checkpoint_of_another_network_is_not_started_from(folder, capfd, stage, flag):
    wider = json.dumps({**NETWORK, "hidden_size": 32})
    checkpoint = folder / "in/pretrained/model.ckpt"
    sentence = refused(capfd, stage, folder, network=wider, **{flag: checkpoint})
    assert str(checkpoint) in sentence or "network.json" in sentence
    assert not files(folder / "out")
    assert run(stage, folder, **{flag: checkpoint}) == 0


def test_a_failed_run_leaves_the_outputs_of_an_earlier_one_as_they_are(folder, capfd):
    for stage in ("clean", "vocabulary", "task_data"):
        assert run(stage, folder) == 0
    before = files(folder / "out")
    changed("articles.jsonl", line_changed(20, cut))(folder / "in")
    changed("vocab.txt", as_windows_text)(folder / "in")
    for stage in ("clean", "vocabulary", "task_data"):
        refused(capfd, stage, folder)
    assert files(folder / "out") == before
