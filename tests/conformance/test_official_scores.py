"""Our scores equal those of the official scorers on published predictions."""

import gzip
import json

import pytest

from dump2bert.metrics.squad import squad_scores
from dump2bert.metrics.zoo import clue_benchmark

CLUENER_TYPES = ["address", "book", "company", "game", "government", "movie", "name", "organization", "position",
                 "scene"]


def test_clue_benchmark_equals_the_official_scorer(shared_data):
    def labels(name):
        lines = (shared_data / "cluener" / name).read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["label"] for line in lines if line.strip()]

    score, _ = clue_benchmark(labels("dev.json"), labels("ner_predict-example.json"), CLUENER_TYPES)
    assert score == pytest.approx(0.6471829433597345, abs=1e-15)


@pytest.mark.parametrize("system, exact_match, f1", [("berten", 86.2062, 92.1956), ("logistic", 40.1419, 50.9815)])
def test_squad_scores_equal_the_official_scorer(shared_data, system, exact_match, f1):
    def read(name):
        with gzip.open(shared_data / "squad" / name, "rt", encoding="utf-8") as file:
            return json.load(file)

    gold = {question["id"]: [answer["text"] for answer in question["answers"]]
            for article in read("dev-v1.1.json.gz")["data"]
            for paragraph in article["paragraphs"] for question in paragraph["qas"]}
    scores = squad_scores(gold, read(f"predictions-{system}.json.gz"))
    assert len(gold) == 10570
    assert scores["exact_match"] == pytest.approx(exact_match, abs=5e-5)
    assert scores["f1"] == pytest.approx(f1, abs=5e-5)
