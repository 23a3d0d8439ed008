"""One HTML page about a training: everything of it in one file that opens offline. One section of the page a file."""
