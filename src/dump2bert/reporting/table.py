"""A table as plain values, for the macro of the same name in page.html."""


def table(head, rows, caption="", over=(), text_columns=1, title=""):
    """`head` and `rows`: texts. The first `text_columns` columns hold words, the others numbers (set flush right).
    `over`: (text, columns) of a row above the head. `title` stands above the table, `caption` below."""
    return {"title": title, "head": head, "rows": rows, "caption": caption, "over": over, "text_columns": text_columns}
