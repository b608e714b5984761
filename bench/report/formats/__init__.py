"""What a report is written as: Markdown, one HTML page, CSV, lines in a terminal, and the folder of all files."""
