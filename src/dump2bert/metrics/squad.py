"""SQuAD v1.1's two scores, exact match and F1 over words, by its official normalisation (Rajpurkar et al. 2016)."""

import re
import string
from collections import Counter

PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_scores(gold, predicted):
    """Percentages over all questions: {"exact_match", "f1"}.

    gold: {question id: [answer texts]}; predicted: {question id: answer text}. A question without a prediction scores
    0.
    """
    exact = f1 = 0.0
    for question, answers in gold.items():
        if question in predicted:
            exact += max(normalised(predicted[question]) == normalised(answer) for answer in answers)
            f1 += max(words_f1(predicted[question], answer) for answer in answers)
    return {"exact_match": 100 * exact / max(len(gold), 1), "f1": 100 * f1 / max(len(gold), 1)}


def normalised(text):
    """Lower-cased, without ASCII punctuation and English articles, single spaces."""
    text = text.lower().translate(PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def words_f1(predicted, gold):
    predicted, gold = normalised(predicted).split(), normalised(gold).split()
    common = (Counter(predicted) & Counter(gold)).total()
    return 2 * common / (len(predicted) + len(gold)) if common else 0.0


QUESTION_WORDS = ("what", "who", "whose", "whom", "when", "where", "which", "why", "how")
CHINESE_QUESTION_WORDS = ("哪一年", "几月", "什么时候", "何时", "谁", "哪里", "哪儿", "什么地方", "为什么", "多少", "多长", "几",
                          "哪", "怎么", "怎样", "如何", "什么")
"""Those that contain others come first."""


def question_word(question):
    """The word that a question asks with, for tables; "other" where there is none of those known."""
    words = re.findall(r"[a-z]+", question.lower())
    found = next((word for word in words if word in QUESTION_WORDS), None)
    return found or next((word for word in CHINESE_QUESTION_WORDS if word in question), "other")
