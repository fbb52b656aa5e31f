"""The sample world: an invented encyclopedia and task data sets about it, written from a seed.

world.py invents entities and the facts that tie them together, sentences.py and templates/ put facts into Chinese,
articles.py orders them into articles, wikitext.py and export.py write the MediaWiki dump; cluener.py, tnews.py,
squad.py, cola.py and stsb.py write data sets about the same world in their official formats.
"""
