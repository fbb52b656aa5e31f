"""The shape of the pipeline as SVG: its stages, what flows into what, how many jobs each had and how long they took."""

from dump2bert.reporting.lines import opening
from dump2bert.reporting.numbers import duration

PLACES = {  # stage: (column, row)
    "sample": (0, 0), "download": (1, 0), "cut": (1, 1), "extract": (0, 1), "templates": (1, 2), "clean": (0, 2),
    "split": (0, 3), "vocabulary": (0, 4),
    "pretraining_data": (0, 5), "task_data": (1, 5), "schema": (0, 6), "pretrain": (0, 7), "finetune": (1, 7),
    "pretrain_eval": (0, 8), "predict": (1, 8), "evaluate": (1, 9), "report": (0, 9),
}
FLOWS = (
    ("sample", "extract"), ("download", "extract"), ("sample", "task_data"), ("download", "task_data"),
    ("download", "cut"), ("cut", "templates"), ("cut", "extract"), ("templates", "extract"),
    ("extract", "clean"), ("clean", "split"), ("split", "vocabulary"), ("split", "pretraining_data"),
    ("vocabulary", "pretraining_data"), ("vocabulary", "task_data"), ("pretraining_data", "schema"),
    ("schema", "pretrain"), ("pretrain", "pretrain_eval"), ("pretrain", "finetune"), ("task_data", "finetune"),
    ("finetune", "predict"), ("predict", "evaluate"), ("pretrain_eval", "report"), ("evaluate", "report"),
)
COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT, LEFT = 212, 56, 160, 36, 24


def pipeline_figure(jobs):
    """An SVG of all stages; those without a job in this run are drawn faint."""
    parts = [opening("The stages and what flows between them", [], 420, ROW * 10),
             '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
             'orient="auto-start-reverse"><path class="arrow" d="M0,0.5 L7,4 L0,7.5 z"/></marker></defs>']
    ran = {job["stage"] for job in jobs} | {"report"}
    for start, end in FLOWS:
        faint = "" if {start, end} <= ran else " faint"
        parts.append(f'<path class="flow{faint}" marker-end="url(#arrow)" d="{route(PLACES[start], PLACES[end])}"/>')
    for stage, (column, row) in PLACES.items():
        x, y = LEFT + column * COLUMN, 8 + row * ROW
        mine = [job for job in jobs if job["stage"] == stage]
        seconds = sum(job["seconds"] or 0 for job in mine)
        note = f"{len(mine)} job{'s' * (len(mine) > 1)} · {duration(seconds)}" if mine else \
            "this page" if stage == "report" else "not needed"
        parts.append(f'<g class="stage{"" if stage in ran else " faint"}">'
                     f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="3"/>'
                     f'<text class="name" x="{x + BOX_WIDTH / 2}" y="{y + 16}" text-anchor="middle">{stage}</text>'
                     f'<text class="note" x="{x + BOX_WIDTH / 2}" y="{y + 29}" text-anchor="middle">{note}</text>'
                     "</g>")
    return "".join(parts) + "</svg>"


def route(start, end):
    """The path of an arrow: straight down, past the stages between, or by right angles to the other column."""
    (column, row), (to_column, to_row) = start, end
    x, y = LEFT + column * COLUMN + BOX_WIDTH / 2, 8 + row * ROW + BOX_HEIGHT / 2
    to_x, to_y = LEFT + to_column * COLUMN + BOX_WIDTH / 2, 8 + to_row * ROW + BOX_HEIGHT / 2
    side, up = BOX_WIDTH / 2, BOX_HEIGHT / 2
    if row == to_row:
        way = side if to_column > column else -side
        return f"M{x + way},{y} H{to_x - way}"
    if column == to_column and (to_row == row + 1 or column == 1):
        return f"M{x},{y + up} V{to_y - up}"
    if column == to_column:
        return f"M{x - side},{y + 6} H{x - side - 12} V{to_y - 6} H{x - side}"
    if column == 1:
        return f"M{x - 40},{y + up} V{to_y} H{to_x + side}"
    if (1, row) in PLACES.values():
        return f"M{x + side},{y + 6} H{x + side + 20} V{to_y} H{to_x - side}"
    return f"M{x + side},{y} H{to_x - 40} V{to_y - up}"
