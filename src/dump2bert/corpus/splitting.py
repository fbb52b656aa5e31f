"""Documents of all parts: what is no text and duplicates dropped, a few held out from training by a hash of their text.

Parts are read twice. First every document is judged by itself (quality) and leaves a hash and a signature (duplicates),
which are all that stays in memory; then, when the fate of each is known, the documents are written. What is kept and
what is held out depends on the text and the order of the documents, not on how they are cut into parts: the parts of
a source, SOURCE-00003-of-00100.txt, are put together again.
"""

import re
from array import array
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dump2bert.corpus import counting
from dump2bert.corpus.duplicates import NUMBERS, equal_to, near_to, normalised, signature, text_hash
from dump2bert.corpus.quality import document_rule, script_letters
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, documents_of, read_json, read_lines
from dump2bert.gates import check_sentences, check_share
from dump2bert.progress import say

KEPT, EQUAL, NEAR = "", "equal to another", "nearly equal to another"
PART = re.compile(r"(.+)-\d{5}-of-\d{5}")


class Gates(NamedTuple):
    """Limits of the corpus; what they mean stands in config.py."""

    min_sentences_per_document: float
    max_dropped_share: float
    max_duplicate_share: float


class Judged(NamedTuple):
    """What the first reading leaves of all documents, in order."""

    rules: list                # names of the rules that dropped any, "" first
    rule: np.ndarray           # [n] uint8: index into rules
    hashes: np.ndarray         # [n] uint64
    signatures: np.ndarray     # [n, NUMBERS] uint16; of dropped documents zeros


def split(input_files, part_statistics, train_dir, held_out_dir, language, held_out, near_duplicate, rules, gates):
    """Write the documents of each source to train_dir/SOURCE.txt and held_out_dir/SOURCE.txt; returns statistics.

    input_files, part_statistics: the cleaned parts (SOURCE.txt or SOURCE-00000-of-00002.txt) and what `clean` counted,
    in the same order. held_out: share of the kept documents, from 0 to 1; at least one is held out (two where there are
    four) and at least one is left. near_duplicate: estimated similarity from which on a document is a near duplicate
    of one before it, parts taken by name; from 1 on only equal ones are looked for. rules: quality.DocumentRules. A
    source without documents on one side has an empty file there. BadInput where a gate does not let the corpus through.
    """
    parts = sorted(zip(map(Path, input_files), part_statistics, strict=True), key=lambda part: part[0].stem)
    names = [path.stem for path, _ in parts]
    if len(set(names)) < len(names):
        raise BadInput(f"two parts have the same name: {', '.join(names)}")
    sources = {}
    for path, counted in parts:
        source = PART.fullmatch(path.stem)
        sources.setdefault(source[1] if source else path.stem, []).append((path, cleaning_statistics(counted)))
    judged = judge(sources, language, rules, near_duplicate < 1, gates.min_sentences_per_document)
    fates, like = decide(judged, near_duplicate)
    kept = fates == 0
    check(judged, fates, gates)
    if kept.sum() < 2:
        raise BadInput(f"the corpus has {kept.sum()} document(s) once duplicates and what is no text are dropped: at "
                       "least two are needed, one to train on and one to hold out")
    held = choose_held_out(judged.hashes, kept, held_out)
    shown = examples_to_show(fates)
    wanted = {wanted for numbers in shown.values() for number in numbers for wanted in (number, int(like[number]))}
    statistics, start, texts = {}, 0, {}
    for source, files in sources.items():
        name = f"{source}.txt"
        statistics[source] = write_source(all_documents(files), fates[start:], held[start:], Path(train_dir) / name,
                                          Path(held_out_dir) / name, judged.rules, start, wanted, texts)
        statistics[source]["cleaning"] = counting.merged_cleaning([cleaned for _, cleaned in files])
        start += statistics[source]["documents_before_duplicates"]
    total = counting.summed(list(statistics.values()))
    for rule, entry in total["dropped_documents"].items():
        entry["examples"] = [{"text": texts[number], **({"like": texts[like[number]]} if like[number] >= 0 else {})}
                             for number in shown[judged.rules.index(rule)]]
    say(f"{total['train']['documents']} documents to train on, {total['held_out']['documents']} held out; dropped: "
        f"{total['duplicates_dropped']} duplicates, {total['near_duplicates_dropped']} near duplicates, "
        f"{total['dropped_by_rules']} that are no text")
    return {"held_out_share": held_out, "near_duplicate": near_duplicate, "rules": rules._asdict(),
            "length_edges": counting.LENGTH_EDGES, "total": total, "parts": statistics}


def cleaning_statistics(path):
    """What `clean` counted for a part. Read before anything is written, so that a bad file costs nothing."""
    statistics = read_json(path)
    if not isinstance(statistics, dict) or not isinstance(statistics.get("dropped"), dict):
        raise BadInput(f"{path} is no statistics of `dump2bert clean`")
    return statistics


def documents(path):
    """Each document of a cleaned text as a list of sentences."""
    return documents_of(line for _, line in read_lines(path))


def all_documents(files):
    for path, _ in files:
        yield from documents(path)


def judge(sources, language, rules, with_signatures, min_sentences_per_document):
    """Read every document once: Judged."""
    names, found, hashes, signatures = [KEPT], bytearray(), array("Q"), bytearray()
    script = script_letters(language)
    nothing = bytes(2 * NUMBERS)
    for source, files in sources.items():
        before, sentences = len(found), 0
        for document in all_documents(files):
            rule = document_rule(document, language, script, rules) or KEPT
            if rule not in names:
                names.append(rule)
            text = normalised(document)
            found.append(names.index(rule))
            hashes.append(text_hash(text))
            if with_signatures:
                signatures += nothing if rule else signature(text).tobytes()
            sentences += len(document)
        if len(found) > before:
            check_sentences(f"source {source}", len(found) - before, sentences, min_sentences_per_document)
    return Judged(names + [EQUAL, NEAR], np.frombuffer(found, np.uint8), np.frombuffer(hashes, np.uint64),
                  np.frombuffer(signatures, np.uint16).reshape(-1, NUMBERS))


def decide(judged, near_duplicate):
    """(fates [n]: index into judged.rules, like [n]: for duplicates an earlier document that it is like, else -1)."""
    fates, like = judged.rule.copy(), np.full(len(judged.rule), -1, np.int64)
    sound = np.flatnonzero(fates == 0)
    first = sound[equal_to(judged.hashes[sound])]
    repeated = first != sound
    fates[sound[repeated]] = judged.rules.index(EQUAL)
    like[sound[repeated]] = first[repeated]
    if near_duplicate < 1:
        near = near_to(judged.signatures, near_duplicate, fates == 0)
        fates[near >= 0] = judged.rules.index(NEAR)
        like[near >= 0] = near[near >= 0]
    return fates, like


def check(judged, fates, gates):
    """The gates that look at all documents together."""
    counts = np.bincount(fates, minlength=len(judged.rules))
    equal, near = counts[judged.rules.index(EQUAL)], counts[judged.rules.index(NEAR)]
    by_rules = dict(zip(judged.rules[1:-2], counts[1:-2].tolist()))
    told = ", ".join(f"{rule}: {count}" for rule, count in sorted(by_rules.items(), key=lambda item: -item[1]))
    all_of_them = max(len(fates), 1)
    check_share("the corpus", f"of {len(fates)} documents those dropped as no text ({told}) are",
                sum(by_rules.values()) / all_of_them, gates.max_dropped_share,
                "look at corpus.language and at the limits of the section `split`", "max_dropped_share")
    check_share("the corpus", f"of {len(fates)} documents duplicates ({equal} equal ones, {near} near ones) are",
                (equal + near) / all_of_them, gates.max_duplicate_share,
                "is one text given twice? near_duplicate of the section `split` says what counts", "max_duplicate_share")


def choose_held_out(hashes, kept, share):
    """Which documents are held out (bool): hash below share * 2^64; at least the smallest, never the largest.

    Where four are kept, at least two: next sentence prediction takes its random sentences from another document.
    """
    held = kept & (hashes < np.uint64(min(int(share * 2**64), 2**64 - 1)))
    among = np.sort(hashes[kept])
    least = among[1 if len(among) >= 4 else 0]
    return (held | (kept & (hashes <= least))) & (hashes != among[-1])


def examples_to_show(fates):
    """{fate: numbers of the first few documents of it}."""
    return {int(fate): np.flatnonzero(fates == fate)[:counting.EXAMPLES].tolist() for fate in np.unique(fates) if fate}


def write_source(source, fates, held, train_file, held_out_file, rules, start, wanted, texts):
    """Write one source's documents to their sides; returns counts, and puts the beginnings of the documents `wanted`
    into `texts`.

    fates, held: from the source's first document on, which is number `start` of all.
    """
    sides = {"train": counting.new_counts(), "held_out": counting.new_counts()}
    dropped = {}
    number = -1
    with atomic_write(train_file) as train, atomic_write(held_out_file) as held_out:
        files = {"train": train, "held_out": held_out}
        for number, document in enumerate(source):
            if start + number in wanted:
                texts[start + number] = counting.beginning(document)
            if fates[number]:
                rule = rules[fates[number]]
                dropped[rule] = dropped.get(rule, 0) + 1
                continue
            side = "held_out" if held[number] else "train"
            if sides[side]["documents"]:
                files[side].write("\n")
            files[side].writelines(f"{sentence}\n" for sentence in document)
            counting.count(sides[side], document)
    equal, near = dropped.get(EQUAL, 0), dropped.get(NEAR, 0)
    return {"documents_before_duplicates": number + 1, "duplicates_dropped": equal, "near_duplicates_dropped": near,
            "dropped_by_rules": sum(dropped.values()) - equal - near,
            "dropped_documents": {rule: {"count": dropped[rule]} for rule in sorted(dropped)},
            **counting.added(list(sides.values())), **sides}
