"""Questions about paragraphs, in the form of SQuAD v1.1 (Rajpurkar et al. 2016), which is one JSON object:

    {"data": [{"title": "..", "paragraphs": [{"context": "..", "qas": [
        {"id": "..", "question": "..", "answers": [{"text": "..", "answer_start": 7}]}]}]}]}

A question to predict may also stand alone, {"question": "..", "context": ".."}, one a line. Predictions are one object,
{id: answer}.
"""

import json
import sys
from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import opened, parsed, read_json


class Question(NamedTuple):
    """id: a text; context: number of its paragraph; answers: (text, answer_start) each, none where the file has none;
    where: its place in the file."""

    id: str
    text: str
    context: int
    answers: tuple
    where: str


class Asked(NamedTuple):
    """contexts: the paragraphs; questions: about them, in the order of the file."""

    contexts: list
    questions: list


def read_questions(path, answered=True):
    """The Asked of a file in SQuAD's form. BadInput names file and place of the first thing that is wrong.

    answered: whether every question must have an answer.
    """
    return checked_ids(path, squad_questions(path, read_json(path), answered))


def squad_questions(path, value, answered):
    asked = Asked([], [])
    for article_number, article in enumerate(entry(value, "data", list, path, "no file in SQuAD's form: it")):
        where = f"data[{article_number}]"
        for number, paragraph in enumerate(entry(article, "paragraphs", list, path, where)):
            place = f"{where}.paragraphs[{number}]"
            asked.contexts.append(entry(paragraph, "context", str, path, place))
            for question_number, question in enumerate(entry(paragraph, "qas", list, path, place)):
                asked.questions.append(question_of(question, len(asked.contexts) - 1, path,
                                                   f"{place}.qas[{question_number}]", answered))
    return asked


def entry(value, key, kind, path, where):
    """value[key], which must be of that kind."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, kind):
        form = {list: "list", str: "text"}[kind]
        raise BadInput(f'{path} {where} has no "{key}", where a {form} is wanted')
    return found


def question_of(value, context, path, where, answered, number=None):
    """number: stands for the id where there may be none."""
    text = entry(value, "question", str, path, where)
    name = value.get("id", number)
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise BadInput(f'{path} {where} has no "id", where a text is wanted')
    where = f"{where} (question {name})"
    answers = value.get("answers") or []
    if answered and not answers:
        raise BadInput(f"{path} {where} has no answer, which SQuAD v1.1 always has: leave unanswerable questions out")
    if not isinstance(answers, list) or not all(isinstance(one, dict) and isinstance(one.get("text"), str)
                                                for one in answers):
        raise BadInput(f'{path} {where} has "answers" that are no list of objects with a "text"')
    return Question(str(name), text, context, tuple((one["text"], one.get("answer_start")) for one in answers), where)


def checked_ids(path, asked):
    if not asked.questions:
        raise BadInput(f"{path} holds no question")
    first = {}
    for question in asked.questions:
        if first.setdefault(question.id, question) is not question:
            raise BadInput(f"{path} {question.where} has the same id as {first[question.id].where}: ids must differ")
    return asked


def read_asked(path):
    """Questions to predict: in SQuAD's form, or JSON lines with `question` and `context`, or lines with both, apart by a
    tab. - is standard input. Where there is no id, the question's number from 0 is it."""
    name = "standard input" if str(path) == "-" else path
    text = text_of(path, name)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None    # not one value: lines
    if isinstance(value, dict) and "data" in value:
        return checked_ids(name, squad_questions(name, parsed(text, name), answered=False))
    asked = Asked([], [])
    for number, line in enumerate(text.split("\n") if value is None else [text], 1):
        if line.strip():
            add_line(asked, line, name, f"line {number}")
    return checked_ids(name, asked)


def add_line(asked, line, name, where):
    if line.lstrip().startswith("{"):
        value = parsed(line, f"{name} {where}")
    else:
        question, tab, context = line.partition("\t")
        if not tab:
            raise BadInput(f"{name} {where} is no question with its context: an object with both, or both apart by a "
                           "tab, is wanted")
        value = {"question": question, "context": context}
    asked.contexts.append(entry(value, "context", str, name, where))
    asked.questions.append(question_of(value, len(asked.contexts) - 1, name, where, False, len(asked.questions)))


def text_of(path, name):
    if str(path) != "-":
        with opened(path) as file:
            return file.read()
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 (byte {error.start + 1})") from error


def read_predictions(path, questions):
    """{id: answer}. Questions without a prediction are none of it, as the official scorer has it. BadInput where no
    question is answered or a prediction is no text."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise BadInput(f"{path} holds no predictions: one object, question id: answer, is wanted")
    for name, answer in found.items():
        if not isinstance(answer, str):
            raise BadInput(f"{path} has the answer {answer!r} to question {name}, where a text is wanted")
    known = {question.id for question in questions}
    if not known & found.keys():
        raise BadInput(f"{path} answers none of the {len(known)} questions of the gold data: it belongs to other data")
    return {name: answer for name, answer in found.items() if name in known}


def one_question(text, context):
    return Asked([context], [Question("0", text, 0, (), "the question")])


def gold_of(asked):
    """{id: [answer texts]}."""
    return {question.id: [text for text, _ in question.answers] for question in asked.questions}
