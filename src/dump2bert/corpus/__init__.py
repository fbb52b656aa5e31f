"""The corpus: fetching dumps, extracting their articles, cleaning them into sentences, splitting off held-out
documents.

Text flows dump -> articles (JSON lines) -> text (one sentence a line, a blank line between documents).
"""
