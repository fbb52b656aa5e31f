"""Starting the processes of a training run on several devices: rank tables, commands, supervision. No MindSpore
here."""
