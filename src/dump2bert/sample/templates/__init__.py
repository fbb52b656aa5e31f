"""The sentences of the sample world's articles: per kind of entity a dict of key -> templates (see sentences.py).

A key is one statement, its templates are ways to put it; all templates of a key tell the same facts.
"""
