"""The data sets that the project knows by name: their official files, formats, fields, labels, metric and licence.

A task whose name in the configuration is one of these (or whose `spec` names one) needs nothing but `train` and `dev`. A
data set of one's own says in its place what its fields are called. `tested` is False where no copy of the data was at
hand: such a spec follows the benchmark's description and has never read the real files.
"""

from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.tasks.tables import FORMATS, Fields
from dump2bert.validation import did_you_mean


class Dataset(NamedTuple):
    """kind: the kind of task; files: names of the official train, dev and test file; forms: their Fields, one with names
    of a header first; labels: {label: its description or None} (of NER: entity types), None: those of the training
    data; assessment_method: what the benchmark counts; submission: tsv is GLUE's form of predictions, json CLUE's;
    format: None: as the files' names say; text_format: that of a .txt file; skipped: labels whose records are left
    out."""

    kind: str
    files: tuple = ()
    forms: tuple = ()
    labels: dict | None = None
    assessment_method: str = "accuracy"
    submission: str = "json"
    source: str = ""
    licence: str = "none stated"
    tested: bool = False
    format: str | None = None
    text_format: str | None = None
    skipped: tuple = ()


def names(*labels):
    return dict.fromkeys(labels)


ONE = (Fields("sentence", None, "label", "id"),)
TWO = (Fields("sentence1", "sentence2", "label", "id"),)
PAIR = (Fields("sentence1", "sentence2", "label", "index"),)
GLUE = ("train.tsv", "dev.tsv", "test.tsv")
CLUE = ("train.json", "dev.json", "test.json")
CONLL = (Fields(0, None, -1),)
ENTAILMENT = names("contradiction", "entailment", "neutral")
TNEWS_LABELS = {
    "100": "news_story", "101": "news_culture", "102": "news_entertainment", "103": "news_sports",
    "104": "news_finance", "106": "news_house", "107": "news_car", "108": "news_edu", "109": "news_tech",
    "110": "news_military", "112": "news_travel", "113": "news_world", "114": "news_stock",
    "115": "news_agriculture", "116": "news_game"}
CLUENER_TYPES = ("address", "book", "company", "game", "government", "movie", "name", "organization", "position",
                 "scene")


def glue(forms, labels, assessment_method="accuracy", kind="classification", **more):
    return Dataset(kind, GLUE, forms, labels, assessment_method, "tsv", **more)


def clue(forms, labels, **more):
    return Dataset("classification", CLUE, forms, labels, **more)


def conll(train, dev, test, types, **more):
    return Dataset("ner", (train, dev, test), CONLL, types and names(*types), "f1", format="conll", **more)


DATASETS = {
    # 1.0 has no ids, or is the text of its source (id_!_label_!_description_!_title_!_keywords); 1.1 has ids in its test
    # file. A record without an id has its number.
    "tnews": clue((Fields("sentence", None, "label", "id"), Fields(3, None, 1, 0)), TNEWS_LABELS, tested=True,
                  text_format="toutiao", source="TNEWS 1.0 and 1.1 (CLUE, Xu et al. 2020)"),
    "cluener": Dataset("ner", CLUE, (Fields("text", None, "label", "id"),), names(*CLUENER_TYPES), "f1", tested=True,
                       source="CLUENER2020 (Xu et al. 2020)"),
    "cola": glue((Fields("sentence", None, "label", "index"), Fields(3, None, 1)), names("0", "1"), "mcc", tested=True,
                 source="CoLA (Warstadt et al. 2018)"),
    # GLUE's copy has a header; the original has none.
    "stsb": glue((Fields("sentence1", "sentence2", "score", "index"), Fields(5, 6, 4)), None, "spearman_correlation",
                 "regression", tested=True, source="STS-B (Cer et al. 2017)", licence="CC BY-SA 4.0 (scores)"),
    "squad": Dataset("squad", ("train-v1.1.json", "dev-v1.1.json"), assessment_method="f1", tested=True,
                     source="SQuAD v1.1 (Rajpurkar et al. 2016)", licence="CC BY-SA 4.0"),
    # CLUE (Xu et al. 2020)
    "afqmc": clue(TWO, names("0", "1"), source="AFQMC (CLUE)"),
    "iflytek": clue(ONE, names(*map(str, range(119))), source="IFLYTEK (CLUE)"),
    "cmnli": clue(TWO, ENTAILMENT, skipped=("-",), source="CMNLI (CLUE)"),
    "ocnli": clue(TWO, ENTAILMENT, skipped=("-",), source="OCNLI (Hu et al. 2020)", licence="CC BY-NC 2.0")._replace(
        files=("train.50k.json", "dev.json", "test.json")),
    "csl": clue((Fields("abst", "keyword", "label", "id"),), names("0", "1"), source="CSL (CLUE)"),
    "wsc": clue((Fields("text", ["target.span1_text", "target.span2_text"], "label", "id"),), names("false", "true"),
                source="CLUEWSC2020 (CLUE)"),
    # GLUE (Wang et al. 2018)
    "sst2": glue((Fields("sentence", None, "label", "index"),), names("0", "1"), source="SST-2 (Socher et al. 2013)"),
    "mrpc": glue((Fields("#1 String", "#2 String", "Quality", "index"),), names("0", "1"), "f1",
                 source="MRPC (Dolan and Brockett 2005)"),
    "qqp": glue((Fields("question1", "question2", "is_duplicate", "id"),), names("0", "1"), "f1",
                source="Quora Question Pairs"),
    "mnli": glue((Fields("sentence1", "sentence2", "gold_label", "index"),), ENTAILMENT, skipped=("-",),
                 source="MultiNLI (Williams et al. 2018)", licence="OANC and others")._replace(
                     files=("train.tsv", "dev_matched.tsv", "test_matched.tsv")),
    "qnli": glue((Fields("question", "sentence", "label", "index"),), names("entailment", "not_entailment"),
                 source="QNLI (GLUE)", licence="CC BY-SA 4.0"),
    "rte": glue(PAIR, names("entailment", "not_entailment"), source="RTE (GLUE)"),
    "wnli": glue(PAIR, names("0", "1"), source="WNLI (GLUE)", licence="CC BY 4.0"),
    # Chinese NER, a character a line
    "msra_ner": conll("train.txt", "dev.txt", "test.txt", ("LOC", "ORG", "PER"), source="MSRA NER (Levow 2006)")._replace(
        files=("train.txt", "test.txt")),    # no development records of its own
    "weibo_ner": conll("weiboNER_2nd_conll.train", "weiboNER_2nd_conll.dev", "weiboNER_2nd_conll.test", None,
                       source="Weibo NER (Peng and Dredze 2015)"),
    "resume_ner": conll("train.char.bmes", "dev.char.bmes", "test.char.bmes",
                        ("CONT", "EDU", "LOC", "NAME", "ORG", "PRO", "RACE", "TITLE"),
                        source="Resume NER (Zhang and Yang 2018)"),
}


def kind_of(task, kind=None, spec=None, fields=None):
    """The kind of a task: `kind` if it is given, else that of the known data set, else ner, which can do without fields."""
    known = DATASETS.get(spec or task)
    if not (kind or known or spec) and fields:
        raise BadInput(f"{task} is no known data set: say its kind, one of classification, regression, ner")
    return kind or (known.kind if known else "ner")


def given(kind, **own):
    """Those of spec, format, fields and labels that are given, for the functions of a kind of task."""
    own = {name: value for name, value in own.items() if value is not None}
    if kind == "squad" and set(own) - {"spec"}:
        raise BadInput(f"--{sorted(set(own) - {'spec'})[0]} is for other kinds of task: records of the kind squad have a form of "
                       "their own")
    return own if kind != "squad" else {}


def dataset_of(task, kind, spec=None, format=None, fields=None, labels=None):
    """The Dataset of a task: the known one that `spec` or its name says, or one of one's own by its `fields` (a dict);
    format and labels (a list) take the place of what is known. kind: one of Dataset.kind, or None: any."""
    if spec is not None and spec not in DATASETS:
        raise BadInput(f"spec {spec} is no known data set{did_you_mean(spec, DATASETS)}; known are {', '.join(DATASETS)}")
    if format not in (None, *FORMATS):
        raise BadInput(f"format {format} is none of {', '.join(FORMATS)}")
    dataset = DATASETS.get(spec or task) if spec or not fields else None
    if dataset is None:
        dataset = own(task, kind, fields)
    elif kind not in (None, dataset.kind):
        raise BadInput(f"{spec or task} is a data set of the kind {dataset.kind}, not {kind}: give the task another name, or "
                       "say its fields")
    elif fields:
        dataset = dataset._replace(forms=(fields_of(fields),))
    changes = {"format": format} if format else {}
    if labels:
        changes["labels"] = names(*map(str, labels))
    return dataset._replace(**changes)


def own(task, kind, fields):
    """The Dataset of a task that is not known by name."""
    if kind == "ner":   # records in CLUENER's form, or columns
        forms = (fields_of(fields),) if fields else (Fields("text", None, "label", "id"), *CONLL)
        return Dataset("ner", forms=forms, assessment_method="f1", text_format="conll")
    if kind == "squad":    # records in SQuAD's form, and no other
        return Dataset("squad", assessment_method="f1")
    if not fields:
        raise BadInput(f"{task} is no known data set ({', '.join(DATASETS)}): name the fields of its records, "
                       'like {"text": "sentence", "label": "label"}')
    return Dataset(kind, forms=(fields_of(fields),),
                   assessment_method="spearman_correlation" if kind == "regression" else "accuracy")


def fields_of(fields):
    if set(fields) - set(Fields._fields) or "text" not in fields:
        raise BadInput(f"fields should name text and may name text_pair, label and id, but are {fields}")
    return Fields(**fields)
