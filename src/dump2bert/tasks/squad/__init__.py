"""Span answering: a question and a paragraph go in, the part of the paragraph that answers it comes out.

records.py reads questions in SQuAD's form; alignment.py finds answers in paragraphs and among their tokens; windows.py
makes rows of the network from them, several where a paragraph is long; answers.py turns scores into the n best answers,
in the paragraph's own characters; model.py is the network. task_data.py, finetune.py, predict.py and evaluate.py are
what the stages of these names do.
"""
