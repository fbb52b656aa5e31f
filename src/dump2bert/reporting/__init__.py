"""The pages about a run: HTML that works from a file, offline, in light and dark, on a phone and on paper.

collect.py reads the results of the current configuration; pages.py makes tables and figures of them and fills
page.html; lines.py, bars.py and pipeline.py draw SVG whose colours come from page.css, so that they follow the
reader's theme; examples.py marks predictions in the text; provenance.py says which code, versions and machine made
the page.
"""
