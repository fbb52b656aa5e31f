"""Named entity recognition: every token gets a label that says where in which entity it stands.

records.py reads and writes entities as CLUENER does; labels.py turns spans of tokens into labels and back; windows.py
cuts long texts into rows of the network and puts them together again; model.py is the network. task_data.py,
finetune.py, predict.py and evaluate.py are what the stages of these names do.
"""
