"""Classification of one sentence or two: TNEWS, CoLA, and data sets of one's own by the names of their fields.

records.py reads records and reads and writes submissions; rows.py makes them rows of the network; model.py is the
network. task_data.py, finetune.py, predict.py and evaluate.py are what the stages of these names do. All of it serves
tasks/regression, too, which has a score in place of a label.
"""
