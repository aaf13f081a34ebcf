"""What the program says about a text: language, quotes, tone, prospects. Each module is one pure stage."""
