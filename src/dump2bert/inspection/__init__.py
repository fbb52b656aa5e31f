"""What is inside a file of the pipeline, for people: lines of text for the terminal."""
