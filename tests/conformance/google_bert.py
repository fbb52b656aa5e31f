"""What Google's BERT gives, as digests: the cases, and the script that makes google_bert.json anew from the original.

    python -m tests.conformance.google_bert CLONE_OF_GOOGLE_RESEARCH_BERT DATA_FOLDER

The original (create_pretraining_data.py and tokenization.py, written for TensorFlow 1) is run as it is, with
tensorflow's own compat.v1 in the place of tensorflow. Its records are digested in canonical form, since their raw bytes
differ from run to run by the order of the features. The digests in the project were made with CPython 3.11
(Unicode 14.0).
"""

import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

from tests.unit.pretraining_world import write_text, write_vocabulary

DIGESTS = Path(__file__).with_name("google_bert.json")
VOCABULARIES = {"zh": "bert-base-chinese-vocab.txt", "en": "bert-base-uncased-vocab.txt"}
OWN_DOCUMENTS = 60

# Name -> corpus, its lines that each input file holds, number of output files, flags that differ from the defaults.
# The corpus "own" is the tests' own text with their own vocabulary, so that these cases need no data.
CASES = {
    f"{corpus} dupe {dupe}{' whole words' * whole}":
        (corpus, [(0, 3000)], 1, {"dupe_factor": dupe, "do_whole_word_mask": whole})
    for corpus in VOCABULARIES for dupe in (1, 3) for whole in (False, True)
} | {
    f"own {name}": ("own", [(0, 100), (100, None)], 2, {"dupe_factor": 3, "max_seq_length": 64, **flags})
    for name, flags in {"text": {}, "text, whole words": {"do_whole_word_mask": True, "masked_lm_prob": 0.3}}.items()
} | {
    "zh three outputs, two inputs, the first without a blank line at its end":
        ("zh", [(0, 1004), (1004, 3000)], 3, {"dupe_factor": 2}),
    "en cased, short, another seed":
        ("en", [(3000, 6000)], 2, {"dupe_factor": 1, "do_lower_case": False, "max_seq_length": 64, "random_seed": 7,
                                   "max_predictions_per_seq": 8, "short_seq_prob": 0.5, "masked_lm_prob": 0.25}),
    "en long, many predictions, whole words":
        ("en", [(3000, 6000)], 1, {"dupe_factor": 2, "max_seq_length": 512, "max_predictions_per_seq": 77,
                                   "do_whole_word_mask": True}),
    "zh as short as can be":
        ("zh", [(3000, 3300)], 1, {"dupe_factor": 1, "max_seq_length": 8, "max_predictions_per_seq": 2}),
    "zh one document": ("zh", [(0, 12)], 1, {"dupe_factor": 4, "max_seq_length": 32, "max_predictions_per_seq": 5}),
    "zh whole corpus": ("zh", [(0, None)], 4, {"dupe_factor": 1}),
    "en whole corpus": ("en", [(0, None)], 4, {"dupe_factor": 1}),
}

HARD_TEXTS = [
    "", " ", "\t \u3000\u2028", "[CLS] in the text [SEP] [MASK] [UNK] [PAD] [unused1] ##ing",
    "Ａｆｆｉｎｅ ｆｕｌｌｗｉｄｔｈ １２３，。！", "naïve café NAÏVE CAFE\u0301 Ångström Å A\u030a İstanbul ıI ǅ ŉ ﬁﬀ ß ẞ",
    "ΟΔΥΣΣΕΥΣ ΑΣ Σ ΣΑ ΑΣ. ΑΣ\u0301 Α\u00adΣ ς",
    "combining \u0301alone a\u0302\u0301\u0323 a\u0323\u0301\u0302 x\u302e\U0001d165y",
    "漢字かなカナ한국어각 ㄱㄴㄷ \u1100\u1161\u11a8", "\u3400\u4dbf\u4e00\u9fff\uf900\ufaff\U00020000\U0002a6df\U0002a700\U0002ceaf"
    "\U0002ceb0\U0002ebe0\U0002f800\U0002fa1f\U00030000 々〇〆",
    "العربية مُشَكَّل ١٢٣ עִבְרִית हिन्दी ไทยไม่มีช่องว่าง မြန်မာ",
    "😀👨\u200d👩\u200d👧🇩🇪 ☃\ufe0f e\U000e0100",
    "nul\x00bell\x07vt\x0bff\x0cfs\x1cnel\x85zwsp\u200bzwj\u200dbom\ufeffnbsp\xa0shy\xaday",
    "private \ue000 x\uf8ffy \U000f0000z replacement \ufffd a\ufffdb",
    "line\u2028sep para\u2029sep ogham\u1680x\u2003y\u205fz\u180ew",
    *("a" * n + " " + "1" * n + " " + "é" * n for n in (99, 100, 101, 199, 200, 201, 400)), "각" * 67, "각" * 66,
    "$100.5% a^b`c~d|e <b> x_y don't e-mail C++ 3,14 ½ ² ⅷ № ™ °C – — … “q” ‘r’ «s» ¿¡ § ¶ ٪ ، 。、「」", "a\tb\nc\rd\r\ne",
]


def unicode_texts():
    """Every character, at a word's start, within, at its end and by itself, 256 of them in a text."""
    ranges = [range(0xD800), range(0xE000, 0x32000), range(0xE0000, 0xE0200), range(0xF0000, 0xF0010)]
    codes = [code for part in ranges for code in part]
    for start in range(0, len(codes), 256):
        yield " ".join(f"{character}b a{character}É\u0301c Σ{character} {character}"
                       for character in map(chr, codes[start:start + 256]))


def corpus_lines(data, corpus):
    with gzip.open(data / f"corpora/{corpus}-sentences.txt.gz", "rt", encoding="utf-8", newline="\n") as file:
        return file.read().split("\n")


def tokenization_texts(data):
    """{name: (vocabulary file, texts)} of everything whose tokenization is compared."""
    vocabularies = {corpus: data / "vocab" / name for corpus, name in VOCABULARIES.items()}
    texts = {}
    for corpus in VOCABULARIES:
        texts[f"{corpus} corpus"] = vocabularies[corpus], corpus_lines(data, corpus)
        texts[f"{corpus} hard texts"] = vocabularies[corpus], HARD_TEXTS
    texts[f"zh all of Unicode {unicodedata.unidata_version}"] = vocabularies["zh"], unicode_texts()
    return texts


def write_inputs(case, data, folder):
    """The input files of a case, cut from its corpus, and the path of its vocabulary."""
    corpus, slices, _, _ = CASES[case]
    if corpus == "own":
        vocabulary = write_vocabulary(folder / "vocab.txt")
        lines = write_text(folder / "text.txt", OWN_DOCUMENTS).read_text(encoding="utf-8").split("\n")
    else:
        vocabulary, lines = data / "vocab" / VOCABULARIES[corpus], corpus_lines(data, corpus)
    paths = []
    for number, (start, end) in enumerate(slices):
        paths.append(folder / f"input-{number}.txt")
        paths[-1].write_text("\n".join(lines[start:end]) + "\n", encoding="utf-8", newline="\n")
    return paths, vocabulary


def digest(parts):
    """SHA-256 of byte strings, one after the other, and how many there were."""
    sha, count = hashlib.sha256(), 0
    for count, part in enumerate(parts, 1):
        sha.update(len(part).to_bytes(4, "little") + part)
    return {"count": count, "sha256": sha.hexdigest()}


def digest_of_ids(texts, encode):
    return digest(" ".join(map(str, encode(text))).encode() for text in texts)


RUN_ORIGINAL = """
import runpy, sys, tensorflow.compat.v1
sys.modules["tensorflow"] = tensorflow.compat.v1
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0] + "/create_pretraining_data.py", run_name="__main__")
"""


def original_instances(original, data, case):
    """Run the original on a case; one digest for each output file."""
    import tensorflow as tf

    _, _, number_of_outputs, flags = CASES[case]
    with tempfile.TemporaryDirectory() as folder:
        inputs, vocabulary = write_inputs(case, data, Path(folder))
        outputs = [Path(folder) / f"output-{number}" for number in range(number_of_outputs)]
        command = [sys.executable, "-c", RUN_ORIGINAL, original, f"--input_file={','.join(map(str, inputs))}",
                   f"--output_file={','.join(map(str, outputs))}", f"--vocab_file={vocabulary}"]
        subprocess.run(command + [f"--{name}={value}" for name, value in flags.items()], check=True,
                       stderr=subprocess.DEVNULL)
        return [digest(tf.train.Example.FromString(record.numpy()).SerializeToString(deterministic=True)
                       for record in tf.data.TFRecordDataset(str(output))) for output in outputs]


def original_tokenization(original, data):
    import tensorflow.compat.v1

    sys.modules["tensorflow"] = tensorflow.compat.v1
    sys.path.insert(0, original)
    from tokenization import FullTokenizer

    digests = {}
    for name, (vocabulary, texts) in tokenization_texts(data).items():
        texts = list(texts)
        for do_lower_case in (True, False):
            tokenizer = FullTokenizer(str(vocabulary), do_lower_case)
            digests[f"{name}{'' if do_lower_case else ', cased'}"] = digest_of_ids(
                texts, lambda text: tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)))
    return digests


if __name__ == "__main__":
    original, data = sys.argv[1], Path(sys.argv[2])
    instances = {}
    for case in CASES:
        print(case, flush=True)
        instances[case] = original_instances(original, data, case)
    DIGESTS.write_text(json.dumps({"tokenization": original_tokenization(original, data), "instances": instances},
                                  indent=1) + "\n", encoding="utf-8")
