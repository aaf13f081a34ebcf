"""A sample newsroom on loopback and the show around it: the real pipeline at work without network or config."""
